/** Texts that many objects share: each is in memory once. */
class TextPool {
  readonly #held = new Map<string, { text: string; holders: number }>()

  /** Number of different texts. */
  get size(): number {
    return this.#held.size
  }

  /** @returns the shared copy of the text. The caller must release it */
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
  /** The part of its metadata that differs for each object: name, uid, version and annotations. */
  readonly own: string
  /** The rest of its metadata as one text, which may be empty, and each of its other fields. */
  readonly shared: readonly string[]
  /** JSON of the generated words in the shared texts, in order. */
  readonly ownWords: string
}

/** Fields of the metadata that are equal in all objects of one kind, except for the names in them. */
const sharedMetadata = new Set(['labels', 'ownerReferences'])

/** Generated values that differ between objects: uids, hashes, addresses, times and key ids. */
const machineMade =
  /\b(?:[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|[\da-f]{16}|[\da-f]{8}|\d+(?:\.\d+){3}|[\d-]{10}T[\d:]{8}Z)\b|(?<=")[\w-]{43}(?=")/g

/**
 * The placeholder of each generated value, even of equal ones. Otherwise, two conditions that changed in the same
 * second would result in another text than two that did not.
 */
const machineMadePlaceholder = '\u001f'

/**
 * The children of one AuthService differ from those of another by a few words: the name, the namespace, the uid, and
 * the values that the API server assigned. With placeholders for these words, most pieces are equal and are kept only
 * once.
 */
export class ObjectPacker {
  readonly #pool = new TextPool()

  get sharedTexts(): number {
    return this.#pool.size
  }

  /** @param words that distinguish this object from similar ones; unpacking needs them in the same order */
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
      // A substring would keep the whole original text in memory.
      ownWords: JSON.stringify(ownWords),
    }
  }

  /** For a packed object that is no longer needed. */
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

/** JSON has no undefined: such a field is omitted, as in JSON.stringify. */
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

/** @param found is called with each match, in order */
function withoutMachineMade(text: string, found: string[]): string {
  return text.replace(machineMade, (word) => {
    found.push(word)
    return machineMadePlaceholder
  })
}

/** JSON text does not contain this character: strings contain its escape. */
function placeholder(index: number): string {
  return String.fromCharCode(index + 1)
}
