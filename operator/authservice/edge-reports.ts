import { createHash } from 'node:crypto'

/** An Nginx pod, and where it is. */
export interface EdgePod {
  name: string
  /** Undefined before it has one. */
  address: string | undefined
}

export interface EdgeReportsOptions {
  /** The page of a pod; undefined when it does not answer. */
  read: (url: string) => Promise<string | undefined>
  /** Called when what is known of an AuthService's edge has changed. */
  onNews: (key: string) => void
  healthPort: number
  /** The first pause between two rounds; each is twice as long as the one before. */
  pauseMilliseconds?: { first: number; longest: number }
  /** From 0 to 1: spreads the rounds of many AuthServices that started at once. */
  random?: () => number
}

interface Watched {
  content: string
  pods: readonly EdgePod[]
  refusal: string | undefined
  rounds: number
  timer: NodeJS.Timeout | undefined
}

const defaultPause = { first: 5_000, longest: 60_000 }
/** So often a pod is asked that does not answer; it may be out of reach for good, and then there is nothing to learn. */
const mostRounds = 12

/** What an edge pod has its configuration known by. */
export function contentOf(configuration: string): string {
  return createHash('sha256').update(configuration).digest('hex')
}

/**
 * Learns whether edge pods have taken a configuration up, by asking them beside the visits: a pod takes a minute until
 * it sees a change, and one that is out of reach must hold up nobody. Once all have it, nobody is asked any more.
 */
export class EdgeReports {
  readonly #options: EdgeReportsOptions
  readonly #watched = new Map<string, Watched>()

  constructor(options: EdgeReportsOptions) {
    this.#options = options
  }

  /**
   * Says what the edge of an AuthService is to run. Costs nothing while that stays the same.
   * @returns why a pod refuses it; undefined while none is known to
   */
  refusalOf(key: string, content: string, pods: readonly EdgePod[]): string | undefined {
    const known = this.#watched.get(key)
    if (known?.content === content && samePods(known.pods, pods)) return known.refusal
    if (known?.timer !== undefined) clearTimeout(known.timer)
    const refusal = known?.content === content ? known.refusal : undefined
    const watched: Watched = { content, pods, refusal, rounds: 0, timer: undefined }
    this.#watched.set(key, watched)
    this.#plan(key, watched)
    return refusal
  }

  forget(key: string): void {
    clearTimeout(this.#watched.get(key)?.timer)
    this.#watched.delete(key)
  }

  stop(): void {
    for (const key of [...this.#watched.keys()]) this.forget(key)
  }

  #plan(key: string, watched: Watched): void {
    const { pauseMilliseconds = defaultPause, random = Math.random } = this.#options
    const { first, longest } = pauseMilliseconds
    const pause = Math.min(first * 2 ** watched.rounds, longest) * (0.5 + random())
    watched.timer = setTimeout(() => void this.#ask(key, watched), pause)
  }

  async #ask(key: string, watched: Watched): Promise<void> {
    const answers = await Promise.all(watched.pods.map((pod) => this.#askPod(pod, watched.content)))
    if (this.#watched.get(key) !== watched) return // something else is wanted by now
    watched.timer = undefined
    watched.rounds++
    const refusal = answers.find((answer) => typeof answer === 'object')?.refusal
    const isTold = answers.every((answer) => answer === 'taken')
    const isSilent = answers.every((answer) => answer === 'silent')
    if (!isTold && !(isSilent && watched.rounds >= mostRounds)) this.#plan(key, watched)
    if (refusal === watched.refusal) return
    watched.refusal = refusal
    this.#options.onNews(key)
  }

  async #askPod(
    { name, address }: EdgePod,
    wanted: string,
  ): Promise<'taken' | 'waiting' | 'silent' | { refusal: string }> {
    if (address === undefined) return 'silent'
    const host = address.includes(':') ? `[${address}]` : address
    const text = await this.#options.read(`http://${host}:${this.#options.healthPort}/configuration`)
    const report = text === undefined ? undefined : parse(text)
    if (report === undefined) return 'silent'
    if (report.refused === wanted) return { refusal: `pod ${name} refuses its configuration: ${report.problem}` }
    return report.content === wanted ? 'taken' : 'waiting'
  }
}

function samePods(some: readonly EdgePod[], others: readonly EdgePod[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ name, address }, index) => {
      const other = others[index]
      return other?.name === name && other.address === address
    })
  )
}

/** Whoever answers at the address may say anything. */
function parse(text: string): { content: unknown; refused: unknown; problem: string } | undefined {
  try {
    const { content, refused, problem } = JSON.parse(text)
    return { content, refused, problem: String(problem).slice(0, 500) }
  } catch {
    return undefined
  }
}
