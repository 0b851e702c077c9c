/** Makes ready, outside of the time that is measured, and gives what is measured. */
export type Prepared = () => Promise<() => Promise<unknown>>

/** Milliseconds of something that goes on. */
export type Clock = () => number

export const wallClock: Clock = () => performance.now()

/** What this process has worked, in all of its threads: the same however busy the machine is with others. */
export const processorClock: Clock = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/**
 * Asks in pairs, one after the other, and looks at the median of the differences: whatever else the machine does
 * meanwhile meets both of a pair, and single disturbances do not move a median.
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
