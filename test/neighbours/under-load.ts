import { expect } from 'vitest'
import type { EdgeClient } from '../../tools/cluster-client/edge-client.ts'
import { walkThrough } from '../../tools/cluster-client/walk-through.ts'
import { Load } from '../e2e/load.ts'

/** Verifies tokens and logs a user in through the edge during a change. @returns the requests that failed */
export async function failuresDuring(edge: EdgeClient, change: () => Promise<void>): Promise<string[]> {
  const load = Load.start(edge, await walkThrough(edge))
  try {
    await change()
  } finally {
    await load.stop()
  }
  console.log(`${load.requests} requests, ${load.failures.length} failed`)
  expect(load.requests).toBeGreaterThan(20)
  return load.failures
}
