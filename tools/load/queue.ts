/** A FIFO queue with operations in constant time. */
export class Queue<Item> {
  #items: (Item | undefined)[]
  #head = 0

  constructor(items: readonly Item[] = []) {
    this.#items = [...items]
  }

  get length(): number {
    return this.#items.length - this.#head
  }

  add(item: Item): void {
    this.#items.push(item)
  }

  take(): Item | undefined {
    if (this.#head === this.#items.length) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head++] = undefined
    if (this.#head > 10_000 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }
}
