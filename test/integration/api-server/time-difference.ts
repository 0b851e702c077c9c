/** Prepares a call without measuring it, and returns the call to measure. */
export type Prepared = () => Promise<() => Promise<unknown>>

/** A clock in milliseconds. */
export type Clock = () => number

const wallClock: Clock = () => performance.now()

/** The CPU time of this process with all of its threads, which does not depend on other programs. */
export const processorClock: Clock = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/**
 * Measures in pairs, one call after the other, and takes the median of the differences: other programs affect both
 * calls of a pair, and single disturbances do not affect a median.
 */
export async function medianDifference(pairs: number, one: Prepared, other: Prepared, clock: Clock = wallClock) {
  const timed = async (prepare: Prepared) => {
    const call = await prepare()
    const started = clock()
    await call()
    return clock() - started
  }
  const differences: number[] = []
  const times: number[] = []
  for (let pair = 0; pair < pairs; pair++) {
    const swapped = pair % 2 === 1
    const first = await timed(swapped ? other : one)
    const second = await timed(swapped ? one : other)
    differences.push(swapped ? second - first : first - second)
    times.push(first, second)
  }
  return { difference: Math.abs(median(differences)), typical: median(times) }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
