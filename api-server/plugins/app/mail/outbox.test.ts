import { expect, test } from 'vitest'
import { type JobOutcome, Outbox, type OutboxOptions } from './outbox.ts'

function outboxFor(options: Partial<OutboxOptions> = {}) {
  const ends: [string, JobOutcome][] = []
  const outbox = new Outbox({
    atATime: 1,
    maxWaiting: 2,
    retryAfter: [1, 1],
    isWorthAnother: () => true,
    onEnd: (kind, outcome) => ends.push([kind, outcome]),
    ...options,
  })
  return { outbox, ends }
}

/** A job that ends when the test ends it. */
function held(): { run: () => Promise<void>; end: () => void } {
  let end = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  return { run: () => ended, end: () => end() }
}

test('jobs run in their order, and more than may wait are dropped at once', async () => {
  const { outbox, ends } = outboxFor()
  const first = held()
  outbox.add('first', first.run)
  for (const kind of ['second', 'third', 'fourth']) outbox.add(kind, async () => {})
  expect(ends).toEqual([['fourth', 'dropped']])
  first.end()
  await outbox.idle()
  expect(ends.slice(1)).toEqual([
    ['first', 'sent'],
    ['second', 'sent'],
    ['third', 'sent'],
  ])
})

test('a job is tried again while that may help, and then given up', async () => {
  const { outbox, ends } = outboxFor()
  let attempts = 0
  outbox.add('late', async () => {
    if (++attempts < 3) throw new Error('not now')
  })
  await outbox.idle()
  outbox.add('never', () => Promise.reject(new Error('not now')))
  await outbox.idle()
  expect(ends).toEqual([
    ['late', 'sent'],
    ['never', 'failed'],
  ])

  const refusing = outboxFor({ isWorthAnother: () => false })
  let refusals = 0
  refusing.outbox.add('refused', async () => {
    refusals++
    throw new Error('never')
  })
  await refusing.outbox.idle()
  expect([refusals, refusing.ends]).toEqual([1, [['refused', 'failed']]])
})

test('when the server stops, what runs is finished, a pause before another attempt ends, and nothing new is taken', async () => {
  const { outbox, ends } = outboxFor({ retryAfter: [3_600_000] })
  let attempts = 0
  outbox.add('pausing', async () => {
    attempts++
    throw new Error('not now')
  })
  await expect.poll(() => attempts).toBe(1)
  outbox.add('waiting', async () => {})
  await outbox.stop(10_000)
  outbox.add('late', async () => {})
  expect(ends).toEqual([
    ['pausing', 'failed'],
    ['waiting', 'sent'],
    ['late', 'dropped'],
  ])
  expect(attempts).toBe(2)
})

test('a job that hangs does not keep the server', async () => {
  const { outbox, ends } = outboxFor()
  outbox.add('hanging', held().run)
  outbox.add('waiting', async () => {})
  await outbox.stop(10)
  expect(ends).toEqual([['waiting', 'dropped']])
})
