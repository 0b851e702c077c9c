import { Counter, type Registry } from 'prom-client'

/**
 * A counter with one label, for what every request counts: by a map look-up, where prom-client would sort and join the
 * labels. prom-client is told at a scrape.
 */
export class LabelCounter {
  readonly #counts = new Map<string, number>()

  constructor({ name, help, label, registry }: { name: string; help: string; label: string; registry: Registry }) {
    const told = new Counter({
      name,
      help,
      labelNames: [label],
      registers: [registry],
      collect: () => {
        told.reset()
        for (const [value, count] of this.#counts) told.inc({ [label]: value }, count)
      },
    })
  }

  /** @param value one of few: each stays for good */
  inc(value: string): void {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1)
  }
}
