import { expect, test } from 'vitest'
import { type Kubectl, KubectlError } from '../kubectl.ts'
import { type Screen, status } from './commands.ts'

/** Answers each look in turn: a phase of the rollout, or an error; then the watch is over. */
function followed(looks: readonly (string | KubectlError)[]) {
  const ending = new AbortController()
  const rest = [...looks]
  let phase = ''
  // The part of it that a status asks for.
  const kubectl = {
    get: async () => {
      const next = rest.shift()
      if (rest.length === 0) ending.abort()
      if (next instanceof KubectlError) throw next
      phase = next ?? phase
      return {
        apiVersion: 'auth-operator.dev/v1alpha1',
        kind: 'AuthService',
        metadata: { name: 'accounts', namespace: 'team-a' },
        status: { phase: 'Ready', rollout: { phase, revision: 'aaaa', phaseStartedAt: new Date().toISOString() } },
      }
    },
    list: async () => [],
  } as unknown as Kubectl
  const written: string[] = []
  const screen = (isTerminal: boolean): Screen => ({
    isTerminal,
    columns: 80,
    print: (text) => written.push(text),
    repaint: (text) => written.push(text),
  })
  const watch = (isTerminal: boolean) =>
    status({ name: 'accounts', watch: true, json: false }, kubectl, screen(isTerminal), ending.signal)
  return { watch, written }
}

test('a watch that is piped says only what has changed, not that time passes', async () => {
  const { watch, written } = followed(['Preparing', 'Preparing', 'Testing'])
  await watch(false)
  expect(written).toEqual([expect.stringContaining('Preparing'), expect.stringContaining('Testing')])
})

test('a watch goes on when the API server is away for a while, and says so below what it saw last', async () => {
  const { watch, written } = followed(['Preparing', new KubectlError('connection refused'), 'Testing'])
  await watch(true)
  expect(written[1]).toMatch(/Preparing.*\nconnection refused$/s)
  expect(written[2]).not.toContain('connection refused')
})

test('what fails at the first look is an error', async () => {
  const { watch } = followed([new KubectlError('Forbidden'), 'Preparing'])
  await expect(watch(true)).rejects.toThrow('Forbidden')
})
