import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

/** In a process of its own, because flags of V8 are everybody's: processor time of the same work, held and after. */
const program = `
import { endStart, holdOptimization } from ${JSON.stringify(join(import.meta.dirname, 'start-up-memory.ts'))}
const work = (count) => {
  let sum = 0
  for (let index = 0; index < count; index++) sum = (sum * 31 + index) | 0
  return sum
}
const cpuTime = () => {
  const before = process.cpuUsage()
  for (let round = 0; round < 2_000; round++) work(1_000)
  return process.cpuUsage(before).user
}
holdOptimization()
const held = Math.min(cpuTime(), cpuTime(), cpuTime())
endStart()
// A thread beside this one compiles: it may be late on a busy machine.
const deadline = performance.now() + 20_000
let after = cpuTime()
while (after > held / 3 && performance.now() < deadline) after = Math.min(after, cpuTime())
console.log(JSON.stringify({ held, after }))
`

test('code that runs often is not optimized during the start, and is after it', { timeout: 60_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program])
  const { held, after }: { held: number; after: number } = JSON.parse(stdout)
  // Measured: twelve times.
  expect(held / after).toBeGreaterThanOrEqual(3)
})
