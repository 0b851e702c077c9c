/**
 * `node smoke-test/main.js`: logs a user in at PREVIEW_URL, crosswise with LIVE_URL, and deletes the user. COLORS_APART
 * names what the two do not share (`database`, `tokens`, `redis`): steps that need it are skipped. With NEEDS_PASSKEY,
 * every step of a user is skipped. The last line is the result for the status of the AuthService. The exit code is 0 when
 * every step passed.
 */
import { writeFileSync } from 'node:fs'
import type { SmokeTestEnvironment } from '@authservice-operator/contract/command-environments.ts'
import { type SharedState, sharedStates } from '@authservice-operator/contract/shared-state.ts'
import { apiClient } from './client.ts'
import { reachBoth, runSmokeTest, SmokeTestError } from './steps.ts'

// Variables are text; the operator sets those of this program.
const environment = process.env as Partial<SmokeTestEnvironment>
const started = performance.now()
const times: string[] = []
const withoutUser = ', without steps of a user: a new user must add a passkey, which this test cannot'
try {
  const colors = { live: apiClient(required('LIVE_URL')), preview: apiClient(required('PREVIEW_URL')) }
  const named = environment.COLORS_APART?.split(',') ?? []
  const unshared = sharedStates.filter((state) => named.includes(state))
  const onStep = (step: string, milliseconds: number) => {
    times.push(`${step} ${milliseconds} ms`)
    console.log(`${step}: passed in ${milliseconds} ms`)
  }
  const needsPasskey = environment.NEEDS_PASSKEY === 'true'
  await (needsPasskey ? reachBoth(colors, onStep) : runSmokeTest(colors, onStep, undefined, new Set(unshared)))
  const leftOut = needsPasskey ? withoutUser : withoutShared(unshared)
  const steps = times.length === 1 ? '1 step' : `${times.length} steps`
  say(`${steps} passed in ${Math.round(performance.now() - started)} ms${leftOut}: ${times.join(', ')}`)
} catch (error) {
  if (!(error instanceof SmokeTestError)) console.error(error)
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}

function withoutShared(unshared: readonly SharedState[]): string {
  if (unshared.length === 0) return ''
  return `, without steps that need the same ${unshared.map(nameOf).join(' and the same ')} for both colours`
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

function nameOf(state: SharedState): string {
  return { database: 'database', tokens: 'issuer, audience and set of keys', redis: 'Redis' }[state]
}

function required(name: 'LIVE_URL' | 'PREVIEW_URL'): string {
  const value = environment[name]
  if (value === undefined || value === '')
    throw new SmokeTestError(`${name} is not set: it must be the URL of a colour`)
  return value
}
