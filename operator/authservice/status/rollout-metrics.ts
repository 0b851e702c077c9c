import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { type RolloutOutcome, type RolloutPhase, rolloutOutcomes, rolloutPhases } from '../rollout/decide/phases.ts'
import type { EndedRollout } from '../rollout/observe/history.ts'

interface Subject {
  namespace: string
  name: string
}

/** State of rollouts for the metrics. */
export class RolloutMetrics {
  readonly #phase: Gauge<'namespace' | 'name' | 'phase'>
  readonly #lastOutcome: Gauge<'namespace' | 'name' | 'outcome'>
  readonly #ended: Counter<'strategy' | 'outcome'>
  readonly #seconds: Histogram<'strategy' | 'outcome'>

  constructor(registry: Registry) {
    const registers = [registry]
    this.#phase = new Gauge({
      name: 'authservice_rollout_phase',
      help: '1 for the current phase of the rollout of an AuthService.',
      labelNames: ['namespace', 'name', 'phase'],
      registers,
    })
    this.#lastOutcome = new Gauge({
      name: 'authservice_rollout_last_outcome',
      help: '1 for the outcome of the last completed rollout of an AuthService.',
      labelNames: ['namespace', 'name', 'outcome'],
      registers,
    })
    this.#ended = new Counter({
      name: 'authservice_rollouts_total',
      help: 'Completed rollouts by outcome.',
      labelNames: ['strategy', 'outcome'],
      registers,
    })
    this.#seconds = new Histogram({
      name: 'authservice_rollout_duration_seconds',
      help: 'Duration of rollouts.',
      labelNames: ['strategy', 'outcome'],
      buckets: [10, 30, 60, 120, 300, 600, 1800, 3600, 86_400],
      registers,
    })
  }

  /** Only the current phase has a series. */
  observePhase(of: Subject, phase: RolloutPhase): void {
    this.#forgetPhases(of, phase)
    this.#phase.set({ ...of, phase }, 1)
  }

  /** Only the last outcome has a series. It comes from the status, so it is the same after a restart of the operator. */
  observeOutcome(of: Subject, last: RolloutOutcome | undefined): void {
    for (const outcome of rolloutOutcomes) if (outcome !== last) this.#lastOutcome.remove({ ...of, outcome })
    if (last !== undefined) this.#lastOutcome.set({ ...of, outcome: last }, 1)
  }

  /** @param strategy of the spec when the rollout ended */
  observeEnd(strategy: string, { outcome, seconds }: EndedRollout): void {
    this.#ended.inc({ strategy, outcome })
    this.#seconds.observe({ strategy, outcome }, seconds)
  }

  forget(of: Subject): void {
    this.#forgetPhases(of)
    this.observeOutcome(of, undefined)
  }

  /** @param except the phase whose series is kept */
  #forgetPhases({ namespace, name }: Subject, except?: RolloutPhase): void {
    for (const phase of rolloutPhases) if (phase !== except) this.#phase.remove({ namespace, name, phase })
  }
}
