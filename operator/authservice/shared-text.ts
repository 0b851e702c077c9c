/** Texts that many hold: each is in memory once. */
export class TextPool {
  readonly #held = new Map<string, { text: string; holders: number }>()

  /** How many different texts are held. */
  get size(): number {
    return this.#held.size
  }

  /** @returns the same text, as the others hold it. It has to be given back */
  take(text: string): string {
    const held = this.#held.get(text)
    if (held !== undefined) {
      held.holders++
      return held.text
    }
    this.#held.set(text, { text, holders: 1 })
    return text
  }

  giveBack(text: string): void {
    const held = this.#held.get(text)
    if (held === undefined) return
    held.holders--
    if (held.holders === 0) this.#held.delete(text)
  }
}

/** An object as text in pieces, most of which are shared with objects of the same kind. */
export interface PackedObject {
  /** Of its metadata what is in no other object: its name, uid, version and annotations. */
  readonly own: string
  /** The rest of its metadata as one text, which may be empty, and each of its other fields. */
  readonly shared: readonly string[]
  /** JSON of the words in the shared texts that are made by a machine, in their order. */
  readonly ownWords: string
}

/** Fields of the metadata that are alike in all objects of one kind, but for the names in them. */
const sharedMetadata = new Set(['labels', 'ownerReferences'])

/** What is made by a machine, so that no two objects have the same: uids, hashes, addresses, times and ids of keys. */
const machineMade =
  /\b(?:[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|[\da-f]{16}|[\da-f]{8}|\d+(?:\.\d+){3}|[\d-]{10}T[\d:]{8}Z)\b|(?<=")[\w-]{43}(?=")/g

/**
 * Stands for each of them, whether it is the same as another one or not: two conditions that changed in one second would
 * else make another text than two that did not.
 */
const machineMadePlaceholder = '\u001f'

/**
 * What the operator makes for one AuthService differs from what it makes for the next one by a few words: its name, its
 * namespace, its uid, and what the API server gave to each. With something else in their place most parts are equal, and
 * are kept once for all.
 */
export class ObjectPacker {
  readonly #pool = new TextPool()

  get sharedTexts(): number {
    return this.#pool.size
  }

  /** @param words that tell this object from those like it, in an order that is given again to unpack */
  pack({ metadata, ...fields }: { metadata: object }, words: readonly string[]): PackedObject {
    const ofMetadata = given(metadata)
    const common = ofMetadata.filter(([name]) => sharedMetadata.has(name))
    const own = ofMetadata.filter(([name]) => !sharedMetadata.has(name))
    const ownWords: string[] = []
    const neutral = (text: string) => withoutMachineMade(withoutWords(text, words), ownWords)
    const texts = [
      common.map((field) => neutral(jsonOf(field))).join(','),
      ...given(fields).map((field) => neutral(jsonOf(field))),
    ]
    return {
      own: withoutWords(own.map(jsonOf).join(','), words),
      shared: texts.map((text) => this.#pool.take(text)),
      // A word by itself would hold the text that it was cut out of.
      ownWords: JSON.stringify(ownWords),
    }
  }

  /** Of a packed object that is no longer needed. */
  release({ shared }: PackedObject): void {
    for (const text of shared) this.#pool.giveBack(text)
  }
}

/** @returns the object as JSON */
export function unpack(
  { own, shared: [common = '', ...fields], ownWords }: PackedObject,
  words: readonly string[],
): string {
  const ofMetadata = [own, common].filter((text) => text !== '').join(',')
  const text = `{${[`"metadata":{${ofMetadata}}`, ...fields].join(',')}}`
  const machineMadeWords: string[] = JSON.parse(ownWords)
  let next = 0
  const whole = text.replaceAll(machineMadePlaceholder, () => machineMadeWords[next++] ?? '')
  return words.reduceRight((restored, word, index) => restored.replaceAll(placeholder(index), () => word), whole)
}

/** JSON has no undefined: a field that is undefined is left out, as JSON.stringify does. */
function given(object: object): [string, unknown][] {
  return Object.entries(object).filter(([, value]) => value !== undefined)
}

function jsonOf([name, value]: [string, unknown]): string {
  return `${JSON.stringify(name)}:${JSON.stringify(value)}`
}

function withoutWords(text: string, words: readonly string[]): string {
  return words.reduce(
    (neutral, word, index) => (word === '' ? neutral : neutral.replaceAll(word, placeholder(index))),
    text,
  )
}

/** @param found takes up what was found, in its order */
function withoutMachineMade(text: string, found: string[]): string {
  return text.replace(machineMade, (word) => {
    found.push(word)
    return machineMadePlaceholder
  })
}

/** JSON has no such character: in a string it is written as an escape. */
function placeholder(index: number): string {
  return String.fromCharCode(index + 1)
}
