import { expect, test } from 'vitest'
import { type Kubectl, KubectlError } from '../kubectl.ts'
import { history, type Screen, status } from './commands.ts'

/** Answers each read in turn with a phase of the rollout or an error, and then ends the watch. */
function followed(looks: readonly (string | KubectlError)[]) {
  const ending = new AbortController()
  const rest = [...looks]
  let phase = ''
  // The part of kubectl that a status uses.
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

test('a watch in a pipe prints only changes, not the passing of time', async () => {
  const { watch, written } = followed(['Preparing', 'Preparing', 'Testing'])
  await watch(false)
  expect(written).toEqual([expect.stringContaining('Preparing'), expect.stringContaining('Testing')])
})

test('a watch continues while the API server is unavailable, and shows the error below its last output', async () => {
  const { watch, written } = followed(['Preparing', new KubectlError('connection refused'), 'Testing'])
  await watch(true)
  expect(written[1]).toMatch(/Preparing.*\nconnection refused$/s)
  expect(written[2]).not.toContain('connection refused')
})

test('a failure of the first read is an error', async () => {
  const { watch } = followed([new KubectlError('Forbidden'), 'Preparing'])
  await expect(watch(true)).rejects.toThrow('Forbidden')
})

test('history lists the outcome and failure of each revision, newest first', async () => {
  const revisions = [
    { name: 'aaaa', number: 1, image: 'server:1', servedAt: '2026-11-01T00:00:00Z', outcome: 'Promoted' },
    { name: 'bbbb', number: 2, image: 'server:2', outcome: 'RolledBack', failure: 'the smoke test failed: login' },
    {
      name: 'cccc',
      number: 3,
      image: 'server:3',
      servedAt: '2026-11-02T00:00:00Z',
      outcome: 'RolledBack',
      failure: 'it failed the analysis of live traffic',
    },
    { name: 'dddd', number: 4, image: 'server:4', servedAt: '2026-11-03T00:00:00Z', outcome: 'Promoted' },
    { name: 'eeee', number: 5, image: 'server:5' },
    { name: 'ffff', number: 6, image: 'server:6' },
  ]
  const rollout = { phase: 'Testing', revision: 'ffff' }
  const found = { status: { currentRevision: 'dddd', revisions, rollout } }
  // The part of kubectl that a history uses.
  const kubectl = { get: async () => ({ metadata: { name: 'accounts' }, ...found }) } as unknown as Kubectl
  const printed: string[] = []
  const print = (text: string) => printed.push(text)
  await history('accounts', false, kubectl, { isTerminal: false, columns: 80, print, repaint: print })
  const columns = printed.join('\n').split('\n')
  expect(columns.map((line) => line.trimEnd().split(/ {2,}/))).toEqual([
    ['NUMBER', 'REVISION', 'IMAGE', 'STATE', 'FAILURE'],
    ['6', 'ffff', 'server:6', 'Testing'],
    ['5', 'eeee', 'server:5'],
    ['4', 'dddd', 'server:4', 'current'],
    ['3', 'cccc', 'server:3', 'served, then RolledBack', 'it failed the analysis of live traffic'],
    ['2', 'bbbb', 'server:2', 'RolledBack', 'the smoke test failed: login'],
    ['1', 'aaaa', 'server:1', 'served'],
  ])
})
