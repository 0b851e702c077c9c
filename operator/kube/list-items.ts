const quote = 0x22
const backslash = 0x5c
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d]
/** In a list, the items are in an array in the outermost object. */
const itemsDepth = 2

/**
 * Extracts the items of a Kubernetes list one by one, as the response arrives: a page of large objects is never
 * completely in memory, neither as text nor as objects.
 *
 * @param onItem gets the JSON of one item
 * @returns the list without its items
 * @throws SyntaxError if the response is truncated, or is not JSON
 */
export async function readListItems(
  body: AsyncIterable<Buffer>,
  onItem: (json: string) => void,
): Promise<Record<string, unknown>> {
  const scanner = new ListScanner(onItem)
  for await (const chunk of body) scanner.take(chunk)
  return scanner.end()
}

/** Splits the text where items begin and end; JSON.parse does the rest. */
class ListScanner {
  readonly #onItem: (json: string) => void
  /** Text that belongs to no item. */
  readonly #envelope: Buffer[] = []
  #item: Buffer[] = []
  #depth = 0
  #isInItems = false
  #isInString = false
  #isEscaped = false
  /** The last string in the outermost object: before an array, it is the name of the field. */
  #field = ''
  #fieldParts: Buffer[] | undefined

  constructor(onItem: (json: string) => void) {
    this.#onItem = onItem
  }

  take(chunk: Buffer): void {
    let start = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]
      if (this.#isInString) {
        at = this.#inString(chunk, at)
        continue
      }
      if (byte === quote) {
        this.#isInString = true
        if (this.#depth === 1) this.#fieldParts = []
      } else if (byte === openBrace || byte === openBracket) {
        if (this.#isInItems && this.#depth === itemsDepth) {
          this.#envelope.push(withoutSeparators(chunk.subarray(start, at)))
          start = at
        }
        this.#depth++
        if (byte === openBracket && this.#depth === itemsDepth && this.#field === 'items') {
          this.#isInItems = true
          this.#envelope.push(chunk.subarray(start, at + 1))
          start = at + 1
        }
      } else if (byte === closeBrace || byte === closeBracket) {
        this.#depth--
        if (this.#isInItems && this.#depth === itemsDepth) {
          this.#onItem(Buffer.concat([...this.#item, chunk.subarray(start, at + 1)]).toString('utf8'))
          this.#item = []
          start = at + 1
        } else if (this.#isInItems && this.#depth < itemsDepth) {
          this.#envelope.push(withoutSeparators(chunk.subarray(start, at)))
          start = at
          this.#isInItems = false
        }
      }
    }
    const rest = chunk.subarray(start)
    if (!this.#isInItems) this.#envelope.push(rest)
    else if (this.#depth > itemsDepth) this.#item.push(rest)
    else this.#envelope.push(withoutSeparators(rest))
  }

  end(): Record<string, unknown> {
    return JSON.parse(Buffer.concat(this.#envelope).toString('utf8'))
  }

  /** @returns the end of the string, or the end of the chunk */
  #inString(chunk: Buffer, from: number): number {
    let at = from
    for (; at < chunk.length; at++) {
      if (this.#isEscaped) this.#isEscaped = false
      else if (chunk[at] === backslash) this.#isEscaped = true
      else if (chunk[at] === quote) break
    }
    if (this.#fieldParts !== undefined) this.#fieldParts.push(chunk.subarray(from, at))
    if (at === chunk.length) return at
    this.#isInString = false
    if (this.#fieldParts !== undefined) this.#field = Buffer.concat(this.#fieldParts).toString('utf8')
    this.#fieldParts = undefined
    return at
  }
}

/** Drops the commas between items, which would be left over. */
function withoutSeparators(between: Buffer): Buffer {
  return Buffer.from(between.toString('latin1').replaceAll(',', ''), 'latin1')
}
