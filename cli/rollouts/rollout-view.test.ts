import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import type { ObservedAuthService } from './observed.ts'
import { age, formatTree, viewRollout } from './rollout-view.ts'

const now = new Date('2026-11-24T12:00:30Z')
const meta = (name: string, color: string) => ({
  name,
  labels: { 'auth-operator.dev/color': color },
  creationTimestamp: '2026-11-24T12:00:00Z',
})
const observed: ObservedAuthService = {
  authService: {
    apiVersion: 'auth-operator.dev/v1alpha1',
    kind: 'AuthService',
    metadata: { name: 'accounts', namespace: 'team-a' },
    status: {
      phase: 'Progressing',
      version: '1.4.0',
      endpoint: 'https://auth.example.com',
      activeColor: 'blue',
      revisions: [{ name: 'aaaa', number: 6 }],
      conditions: [
        {
          type: 'Ready',
          status: 'False',
          reason: 'Progressing',
          message: 'waits',
          observedGeneration: 2,
          lastTransitionTime: '2026-11-24T12:00:00Z',
        },
      ],
      rollout: {
        phase: 'AwaitingPromotion',
        revision: 'bbbb',
        phaseStartedAt: '2026-11-24T12:00:00Z',
        message: 'waiting for kubectl authservice promote (revision bbbb)',
        smokeTest: { passed: true, message: '13 steps passed in 900 ms: register 90 ms, login 110 ms' },
      },
    },
  },
  deployments: ['blue', 'green'].map((color) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: `accounts-${color}` },
    spec: {
      replicas: 1,
      template: { metadata: { labels: { 'auth-operator.dev/revision': color === 'blue' ? 'aaaa' : 'bbbb' } } },
    },
    status: { availableReplicas: color === 'blue' ? 1 : 0 },
  })),
  pods: [
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: meta('accounts-green-x', 'green'),
      status: {
        phase: 'Pending',
        containerStatuses: [{ restartCount: 2, state: { waiting: { reason: 'ImagePullBackOff' } } }],
      },
    },
  ],
}

test('a pipe gets plain text', () => {
  expect(formatTree(viewRollout(observed, now), { isTerminal: false }).split('\n')).toEqual([
    'AuthService team-a/accounts  Progressing  1.4.0',
    '  https://auth.example.com',
    '  Rollout AwaitingPromotion  revision bbbb, for 30s',
    '    waiting for kubectl authservice promote (revision bbbb)',
    '    smoke test: 13 steps passed in 900 ms',
    '  blue  1/1 available  revision 6 (aaaa)  active',
    '  green  0/1 available  revision bbbb  standby',
    '    accounts-green-x  ImagePullBackOff  30s  2 restarts',
  ])
})

test('a terminal highlights problems', () => {
  const text = formatTree(viewRollout(observed, now), { isTerminal: true })
  expect(text).toContain('\u001b[31m    ✖ accounts-green-x')
  expect(text).toContain('\u001b[32m    ✔ smoke test')
})

test('a pod that is starting is not a problem', () => {
  const [pod] = observed.pods
  const starting = { restartCount: 0, state: { waiting: { reason: 'ContainerCreating' } } }
  const pods = pod === undefined ? [] : [{ ...pod, status: { ...pod.status, containerStatuses: [starting] } }]
  const text = formatTree(viewRollout({ ...observed, pods }, now), { isTerminal: true })
  expect(text).toContain('◌ accounts-green-x  ContainerCreating')
})

test('after a failure the tree names the running and the failed revision once each', () => {
  const failure = 'the smoke test failed: login: the answer was 401'
  const stalled = { status: 'True' as const, reason: 'RolloutFailed', observedGeneration: 2 }
  const rollout = {
    phase: 'Stable',
    revision: 'bbbb',
    failedRevision: 'bbbb',
    failure,
    lastOutcome: 'RolledBack' as const,
  }
  const conditions = [
    { ...stalled, type: 'Stalled', message: `revision bbbb: ${failure}`, lastTransitionTime: '2026-11-24T12:00:00Z' },
  ]
  const status = { ...observed.authService.status, currentRevision: 'aaaa', rollout, conditions }
  const text = formatTree(viewRollout({ ...observed, authService: { ...observed.authService, status } }, now), {
    isTerminal: false,
  })
  expect(text).toContain('Rollout Stable  revision 6 (aaaa)\n')
  expect(text.split(failure)).toHaveLength(2)
})

test('pods of a colour that is scaling down are terminating, even while they are ready', () => {
  const [pod] = observed.pods
  const ready = [{ type: 'Ready', status: 'True' }]
  const leaving = { ...meta('accounts-green-x', 'green'), deletionTimestamp: '2026-11-24T12:00:20Z' }
  const pods = pod === undefined ? [] : [{ ...pod, metadata: leaving, status: { conditions: ready } }]
  const deployments = observed.deployments.map((one) => ({ ...one, spec: { ...one.spec, replicas: 0 } }))
  const text = formatTree(viewRollout({ ...observed, pods, deployments }, now), { isTerminal: false })
  expect(text).toContain('scaling down\n    accounts-green-x  Terminating')
})

test('a rollout shows its remaining time, except in phases without a deadline', () => {
  const { status } = observed.authService
  const lineUntil = (deadline: string, phase = 'Preparing') => {
    const rollout = { phase, revision: 'bbbb', deadline }
    const authService = { ...observed.authService, status: { ...status, rollout } }
    return formatTree(viewRollout({ ...observed, authService }, now), { isTerminal: false }).split('\n')[2]
  }
  expect(lineUntil('2026-11-24T12:01:30Z')).toBe('  Rollout Preparing  revision bbbb, deadline in 60s')
  expect(lineUntil('2026-11-24T12:00:00Z')).toMatch(/deadline exceeded$/)
  for (const phase of ['AwaitingPromotion', 'Verifying', 'Retiring', 'RollingBack', 'Stable']) {
    expect(lineUntil('2026-11-24T12:00:00Z', phase)).not.toMatch(/deadline/)
  }
})

test('a line that is wider than the terminal wraps with the indent of its level', () => {
  const lines = formatTree(viewRollout(observed, now), { isTerminal: true, columns: 40 }).split('\n')
  const plain = lines.map(stripVTControlCharacters)
  expect(plain.slice(3, 7)).toEqual([
    '  ◌ Rollout AwaitingPromotion  revision',
    '    bbbb, for 30s',
    '    · waiting for kubectl authservice',
    '      promote (revision bbbb)',
  ])
  expect(Math.max(...plain.map((line) => line.length))).toBeLessThanOrEqual(40)
})

test('the plug-in counts down the end of a wait, because the status does not change meanwhile', () => {
  const { status } = observed.authService
  const at = '2026-11-24T12:01:00Z'
  const rollout = { phase: 'Verifying', revision: 'bbbb', message: `analysing live traffic until ${at}`, until: at }
  const authService = { ...observed.authService, status: { ...status, rollout } }
  const lineAt = (second: number) =>
    formatTree(viewRollout({ ...observed, authService }, new Date(Date.UTC(2026, 10, 24, 12, 0, second))), {
      isTerminal: false,
    }).split('\n')[3]
  expect(lineAt(30)).toMatch(/\(30s left\)$/)
  expect(lineAt(50)).toMatch(/\(10s left\)$/)
})

test.each([
  ['2026-11-24T12:00:29Z', '1s'],
  ['2026-11-24T11:50:00Z', '10m'],
  ['2026-11-24T03:00:00Z', '9h'],
  ['2026-11-20T12:00:00Z', '4d'],
  ['2026-11-24T13:00:00Z', '0s'],
])('%s is %s ago', (since, expected) => expect(age(since, now)).toBe(expected))
