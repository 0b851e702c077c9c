import { walkThrough } from '../../tools/cluster-client/walk-through.ts'
import { Load } from '../e2e/load.ts'
import type { RolloutUnderTest } from '../e2e/rollout-under-test.ts'

/** Sends requests of one user while `work` runs. @returns the failures, without their times */
export async function underLoad({ edge }: RolloutUnderTest, work: () => Promise<void>): Promise<string[]> {
  const load = Load.start(edge, await walkThrough(edge))
  try {
    await work()
  } finally {
    await load.stop()
  }
  return load.failures.map((failure) => failure.slice(failure.indexOf(' ') + 1))
}
