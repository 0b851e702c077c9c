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
  /** What is in no other object: its name, uid, version and annotations. */
  readonly own: string
  /** Fields of the metadata, and all other fields. */
  readonly metadata: readonly string[]
  readonly fields: readonly string[]
}

/** Fields of the metadata that are alike in all objects of one kind, but for the names in them. */
const sharedMetadata = new Set(['labels', 'ownerReferences'])

/**
 * What the operator makes for one AuthService differs from what it makes for the next one by a few words: its name, its
 * namespace and its uid. With something else in their place most parts are equal, and are kept once for all.
 */
export class ObjectPacker {
  readonly #pool = new TextPool()

  get sharedTexts(): number {
    return this.#pool.size
  }

  /** @param words that tell this object from those like it, in an order that is given again to unpack */
  pack({ metadata, ...fields }: { metadata: object }, words: readonly string[]): PackedObject {
    const texts = Object.entries(metadata).map(([name, value]) => [name, textOf(name, value, words)] as const)
    const shared = (text: string) => this.#pool.take(text)
    return {
      own: texts.flatMap(([name, text]) => (sharedMetadata.has(name) ? [] : [text])).join(','),
      metadata: texts.flatMap(([name, text]) => (sharedMetadata.has(name) ? [shared(text)] : [])),
      fields: Object.entries(fields).map(([name, value]) => shared(textOf(name, value, words))),
    }
  }

  /** Of a packed object that is no longer needed. */
  release({ metadata, fields }: PackedObject): void {
    for (const text of [...metadata, ...fields]) this.#pool.giveBack(text)
  }
}

/** @returns the object as JSON */
export function unpack({ own, metadata, fields }: PackedObject, words: readonly string[]): string {
  const ofMetadata = [own, ...metadata].filter((text) => text !== '').join(',')
  const text = `{${[`"metadata":{${ofMetadata}}`, ...fields].join(',')}}`
  return words.reduceRight((restored, word, index) => restored.replaceAll(placeholder(index), () => word), text)
}

function textOf(name: string, value: unknown, words: readonly string[]): string {
  const text = `${JSON.stringify(name)}:${JSON.stringify(value)}`
  return words.reduce(
    (neutral, word, index) => (word === '' ? neutral : neutral.replaceAll(word, placeholder(index))),
    text,
  )
}

/** JSON has no such character: in a string it is written as an escape. */
function placeholder(index: number): string {
  return String.fromCharCode(index + 1)
}
