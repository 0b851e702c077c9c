import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { Controller } from '../../kube/controller.ts'
import { createKubeMetrics } from '../../kube/metrics.ts'
import { reconcileFields } from '../../kube/reconcile-context.ts'
import { PodPoller } from './pod-poller.ts'

const pods = [{ name: 'server-1', address: '10.0.0.1' }]

test('pods are polled after the deadline of the reconcile that started the poll, and their log lines belong to no reconcile', async () => {
  const requests: (string | undefined)[] = []
  const poller = new PodPoller<string>({
    ask: async () => {
      requests.push(reconcileFields()?.reconcileID)
      return 'ready'
    },
    pauseAfter: () => 1,
    newsOf: (report) => report,
    onNews: () => {},
  })
  let failures = 0
  const controller = new Controller({
    name: 'authservice',
    workers: 1,
    metrics: createKubeMetrics(),
    deadlineMilliseconds: 20,
    log: pino({ level: 'warn' }, { write: () => void failures++ }),
    backoff: { baseMilliseconds: 60_000, mostMilliseconds: 60_000 },
    reconcile: async (key, signal) => {
      poller.reportsOf(key, pods)
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      return { done: true }
    },
  })
  onTestFinished(async () => {
    poller.stop()
    await controller.stop()
  })
  controller.start()
  controller.queue.add('team-a/accounts')
  await expect.poll(() => failures, { timeout: 10_000 }).toBe(1)
  const atDeadline = requests.length
  await expect.poll(() => requests.length, { timeout: 10_000 }).toBeGreaterThan(atDeadline + 1)
  expect(new Set(requests)).toEqual(new Set([undefined]))
})

test('at most 50 pods of an AuthService are polled, however many have its labels', async () => {
  const asked = new Set<string>()
  const poller = new PodPoller<string>({
    ask: async ({ name }) => {
      asked.add(name)
      return undefined
    },
    pauseAfter: ({ rounds }) => (rounds === 0 ? 1 : undefined),
    newsOf: () => undefined,
    onNews: () => {},
  })
  onTestFinished(() => poller.stop())
  const many = Array.from({ length: 60 }, (_, index) => ({ name: `server-${index}`, address: '10.0.0.1' }))
  poller.reportsOf('team-a/accounts', many)
  await expect.poll(() => asked.size).toBe(50)
})
