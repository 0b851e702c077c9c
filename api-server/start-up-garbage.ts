import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Gives back the memory that only the start needed: a server that idles would hold it for good, because V8 collects when
 * memory is asked for and not when time passes. Takes about 50 ms, so it comes before the first request. Measured: from
 * 103 MB resident to 90.
 *
 * @see https://nodejs.org/api/globals.html#gcoptions
 */
export function releaseStartUpGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect: NodeJS.GCFunction = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')
  // The only flavour that returns the pages to the system as well.
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
