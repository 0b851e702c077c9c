import { setTimeout as wait } from 'node:timers/promises'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { Controller, type Outcome } from './controller.ts'
import { createKubeMetrics } from './metrics.ts'
import { reconcileFields } from './reconcile-context.ts'

let controller: Controller | undefined
afterEach(() => controller?.stop())

const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 10_000, interval: 5 })

/** A controller, and the lines of its log as they are parsed. */
function start(reconcile: (key: string) => Promise<Outcome>, deadlineMilliseconds?: number) {
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

test('every line below one reconcile carries its id, and side by side they do not mix', async () => {
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

test('a retry has an id of its own, and the failure is logged with the one that failed', async () => {
  const ids: unknown[] = []
  const { lines, controller } = start(async () => {
    ids.push(reconcileFields()?.reconcileID)
    if (ids.length === 1) throw new Error('the first try fails')
    return { done: true }
  })
  controller.queue.add('team-a/accounts')
  await eventually(() => ids.length).toBe(2)
  expect(new Set(ids).size).toBe(2)
  expect(lines.find(({ msg }) => msg === 'reconcile failed: it is retried')).toMatchObject({ reconcileID: ids[0] })
})

test('outside of a reconcile there is no id', () => {
  expect(reconcileFields()).toBeUndefined()
})

test('a worker that does not come back is found, by its key, and seen in a metric', async () => {
  const never = Promise.withResolvers<Outcome>()
  const { controller, metrics } = start(() => never.promise, 10)
  expect(controller.stuck()).toBeUndefined()
  controller.queue.add('team-a/accounts')
  await eventually(() => controller.stuck()).toMatch(/^the reconcile of team-a\/accounts has not ended for/)
  expect(await metrics.registry.metrics()).toMatch(
    /workqueue_longest_running_processor_seconds\{name="authservice"\} (?!0$)[\d.]+$/m,
  )
  never.resolve({ done: true })
  await eventually(() => controller.stuck()).toBeUndefined()
})

test('results, retries and the queue are counted under the names that dashboards know', async () => {
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
