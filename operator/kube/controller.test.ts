import { setTimeout as wait } from 'node:timers/promises'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { Controller, type Requeue } from './controller.ts'
import { KubeError } from './errors.ts'
import { createKubeMetrics } from './metrics.ts'
import { reconcileFields } from './reconcile-context.ts'

let controller: Controller | undefined
afterEach(() => controller?.stop())

const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 10_000, interval: 5 })

/** A controller, and its parsed log lines. */
function start(reconcile: (key: string) => Promise<Requeue>, deadlineMilliseconds?: number) {
  const lines: Record<string, unknown>[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const log = pino({ level: 'debug', mixin: () => ({ ...reconcileFields() }) }, destination)
  const metrics = createKubeMetrics()
  controller = new Controller({
    name: 'authservice',
    workers: 2,
    log,
    metrics,
    reconcile,
    ...(deadlineMilliseconds !== undefined && { deadlineMilliseconds }),
  })
  controller.start()
  return { controller, lines, metrics, log }
}

test('every log line of a reconcile has its id, and concurrent reconciles do not mix', async () => {
  const started = start(async (key) => {
    await wait(5)
    started.log.info({ key }, 'deep inside')
    return { done: true }
  })
  for (const name of ['one', 'two', 'three']) started.controller.queue.add(`team-a/${name}`)
  await eventually(() => started.lines.filter(({ msg }) => msg === 'reconciled')).toHaveLength(3)

  const inside = started.lines.filter(({ msg }) => msg === 'deep inside')
  expect(inside.map(({ key }) => key).sort()).toEqual(['team-a/one', 'team-a/three', 'team-a/two'])
  for (const line of inside) {
    expect(line).toMatchObject({ controller: 'authservice', namespace: 'team-a' })
    expect(`${line['namespace']}/${line['name']}`).toBe(line['key'])
    const ofThisPass = started.lines.filter(({ reconcileID }) => reconcileID === line['reconcileID'])
    expect(ofThisPass.map(({ msg }) => msg)).toEqual(['deep inside', 'reconciled'])
  }
})

test('a retry has its own id, and a failure is logged with the id of the failed reconcile', async () => {
  const ids: unknown[] = []
  const { lines, controller } = start(async () => {
    ids.push(reconcileFields()?.reconcileID)
    if (ids.length === 1) throw new Error('the first try fails')
    return { done: true }
  })
  controller.queue.add('team-a/accounts')
  await eventually(() => ids.length).toBe(2)
  expect(new Set(ids).size).toBe(2)
  expect(lines.find(({ msg }) => msg === 'reconcile failed: retrying')).toMatchObject({ reconcileID: ids[0] })
})

test('outside of a reconcile there is no id', () => {
  expect(reconcileFields()).toBeUndefined()
})

test('a worker that does not return is detected by its key, and visible in a metric', async () => {
  const never = Promise.withResolvers<Requeue>()
  const { controller, metrics } = start(() => never.promise, 10)
  expect(controller.stuck()).toBeUndefined()
  controller.queue.add('team-a/accounts')
  await eventually(() => controller.stuck()).toMatch(/^the reconcile of team-a\/accounts has been running for/)
  expect(await metrics.registry.metrics()).toMatch(
    /workqueue_longest_running_processor_seconds\{name="authservice"\} (?!0$)[\d.]+$/m,
  )
  never.resolve({ done: true })
  await eventually(() => controller.stuck()).toBeUndefined()
})

test('a reconcile with repeated conflicts is retried less and less often', async () => {
  const at: number[] = []
  const { controller } = start(async () => {
    at.push(performance.now())
    if (at.length < 6) throw new KubeError(409, 'Conflict', 'the object has been modified')
    return { done: true }
  })
  expect(controller.queue.failures('team-a/accounts')).toBe(0)
  controller.queue.add('team-a/accounts')
  await eventually(() => at.length).toBe(2)
  expect(controller.queue.failures('team-a/accounts')).toBeGreaterThan(0)
  await eventually(() => at.length).toBe(6)
  // 50 ms at first, then 5 ms, doubled with each failure: a timer never fires early.
  expect((at[5] ?? 0) - (at[0] ?? 0)).toBeGreaterThan(5 * 50 + 30 - 5)
  await eventually(() => controller.queue.failures('team-a/accounts')).toBe(0)
})

test('stopping lets a running reconcile finish, but does not wait for one that hangs', async () => {
  const ends: string[] = []
  const { controller } = start(async () => ({ done: true }))
  await controller.stop()
  const hanging = new Controller({
    name: 'authservice',
    workers: 2,
    log: pino({ level: 'silent' }),
    metrics: createKubeMetrics(),
    graceMilliseconds: 50,
    reconcile: async (key, signal) => {
      if (key === 'team-a/short') await wait(10)
      else await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      ends.push(key)
      return { done: true }
    },
  })
  hanging.start()
  hanging.queue.add('team-a/short')
  hanging.queue.add('team-a/hangs')
  await hanging.stop()
  expect(ends).toEqual(['team-a/short'])
})

test('results, retries and the queue are counted under the names that dashboards use', async () => {
  let tries = 0
  const { controller, metrics } = start(async () => {
    tries++
    if (tries === 1) throw new Error('the first try fails')
    return tries === 2 ? { requeueAfterMilliseconds: 5 } : { done: true }
  })
  const untouched = await metrics.registry.metrics()
  expect(untouched).toContain('controller_runtime_reconcile_total{controller="authservice",result="error"} 0')
  controller.queue.add('team-a/accounts')
  await eventually(() => tries).toBe(3)
  await eventually(() => metrics.registry.metrics()).toContain(
    'controller_runtime_reconcile_total{controller="authservice",result="success"} 1',
  )

  const text = await metrics.registry.metrics()
  for (const line of [
    'controller_runtime_reconcile_total{controller="authservice",result="error"} 1',
    'controller_runtime_reconcile_total{controller="authservice",result="requeue_after"} 1',
    'controller_runtime_reconcile_errors_total{controller="authservice"} 1',
    'controller_runtime_reconcile_time_seconds_count{controller="authservice"} 3',
    'controller_runtime_active_workers{controller="authservice"} 0',
    'controller_runtime_max_concurrent_reconciles{controller="authservice"} 2',
    'workqueue_depth{name="authservice"} 0',
    'workqueue_adds_total{name="authservice"} 3',
    'workqueue_retries_total{name="authservice"} 1',
    'workqueue_queue_duration_seconds_count{name="authservice"} 3',
    'workqueue_work_duration_seconds_count{name="authservice"} 3',
  ]) {
    expect(text).toContain(line)
  }
})
