import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { EndedRollout } from './history.ts'
import { type RolloutPhase, rolloutPhases } from './world.ts'

interface Subject {
  namespace: string
  name: string
}

/** What the metrics show of rollouts. */
export class RolloutMetrics {
  readonly #phase: Gauge<'namespace' | 'name' | 'phase'>
  readonly #ended: Counter<'strategy' | 'outcome'>
  readonly #seconds: Histogram<'strategy' | 'outcome'>

  constructor(registry: Registry) {
    const registers = [registry]
    this.#phase = new Gauge({
      name: 'authservice_rollout_phase',
      help: '1 for the phase that the rollout of an AuthService is in.',
      labelNames: ['namespace', 'name', 'phase'],
      registers,
    })
    this.#ended = new Counter({
      name: 'authservice_rollouts_total',
      help: 'Rollouts that ended, by how.',
      labelNames: ['strategy', 'outcome'],
      registers,
    })
    this.#seconds = new Histogram({
      name: 'authservice_rollout_duration_seconds',
      help: 'From the start of a rollout to its end.',
      labelNames: ['strategy', 'outcome'],
      buckets: [10, 30, 60, 120, 300, 600, 1800, 3600, 86_400],
      registers,
    })
  }

  /** Only the phase that it is in has a series. */
  observePhase(of: Subject, phase: RolloutPhase): void {
    this.forget(of, phase)
    this.#phase.set({ ...of, phase }, 1)
  }

  /** @param strategy that the spec asked for when it ended */
  observeEnd(strategy: string, { outcome, seconds }: EndedRollout): void {
    this.#ended.inc({ strategy, outcome })
    this.#seconds.observe({ strategy, outcome }, seconds)
  }

  /** @param except the phase whose series stays */
  forget({ namespace, name }: Subject, except?: RolloutPhase): void {
    for (const phase of rolloutPhases) if (phase !== except) this.#phase.remove({ namespace, name, phase })
  }
}
