/**
 * `node smoke-test/main.js`: logs a user in at PREVIEW_URL, crosswise with LIVE_URL, and removes it again. The last line says
 * how it went, for the status of the AuthService; the exit code is 0 when every step passed.
 */
import { writeFileSync } from 'node:fs'
import { callerOf } from './client.ts'
import { runSmokeTest, SmokeTestError } from './steps.ts'

const started = performance.now()
const times: string[] = []
try {
  const colors = { live: callerOf(required('LIVE_URL')), preview: callerOf(required('PREVIEW_URL')) }
  await runSmokeTest(colors, (step, milliseconds) => {
    times.push(`${step} ${milliseconds} ms`)
    console.log(`${step}: passed in ${milliseconds} ms`)
  })
  say(`${times.length} steps passed in ${Math.round(performance.now() - started)} ms: ${times.join(', ')}`)
} catch (error) {
  if (!(error instanceof SmokeTestError)) console.error(error)
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}

/** @see https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/ */
function say(message: string): void {
  console.log(message)
  const file = process.env['TERMINATION_LOG'] ?? '/dev/termination-log'
  try {
    writeFileSync(file, message)
  } catch (error) {
    console.error(`${file} cannot be written: ${error}`)
  }
}

function required(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '') throw new SmokeTestError(`${name} is not set: it is the URL of a colour`)
  return value
}
