import { EventEmitter } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import type { HashJob } from './hash-jobs.ts'
import type { HashRequest } from './hash-thread.ts'
import { type HashPriority, HashThreads, QueueFullError, type Thread } from './hash-threads.ts'

const opened: HashThreads[] = []
afterEach(async () => {
  for (const threads of opened.splice(0)) await threads.close()
})

/** A thread that answers when the test makes it. */
class ThreadForTest extends EventEmitter {
  readonly requests: HashRequest[] = []
  holds = true

  postMessage(request: HashRequest): void {
    this.requests.push(request)
  }

  ref(): void {
    this.holds = true
  }

  unref(): void {
    this.holds = false
  }

  async terminate(): Promise<number> {
    this.emit('exit', 1)
    return 1
  }

  answer(): void {
    const request = this.requests.shift()
    if (request === undefined) throw new Error('The thread has nothing to answer.')
    this.emit('message', { id: request.id, seconds: 0.25, result: textOf(request.job) })
  }
}

function textOf(job: HashJob): string {
  return job.kind === 'hash' ? job.text : job.hash
}

function withThreads(limits: { threads: number; waiting: number }) {
  const started: ThreadForTest[] = []
  const seconds: number[] = []
  const threads = new HashThreads(
    limits,
    (taken) => seconds.push(taken),
    () => {
      const thread = new ThreadForTest()
      started.push(thread)
      // It has what is used of a Worker; the overloads of `on` are not repeated.
      return thread as unknown as Thread
    },
  )
  opened.push(threads)
  const start = (text: string, priority?: HashPriority) => threads.run({ kind: 'hash', text, cost: 4 }, priority)
  const jobs = () => started.map(({ requests }) => requests.map(({ job }) => textOf(job)))
  return { threads, started, seconds, start, jobs }
}

test('each thread has one job ahead, the others wait in their order, and one too many is refused at once', async () => {
  const { threads, started, start, jobs, seconds } = withThreads({ threads: 2, waiting: 3 })
  const all = ['a', 'b', 'c', 'd', 'e'].map((text) => start(text))
  expect(jobs()).toEqual([
    ['a', 'c'],
    ['b', 'd'],
  ])
  expect(threads.waiting).toBe(3)
  await expect(start('f')).rejects.toThrow(QueueFullError)
  started[1]?.answer()
  expect(jobs()).toEqual([
    ['a', 'c'],
    ['d', 'e'],
  ])
  for (const thread of [0, 0, 1, 1]) started[thread]?.answer()
  expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd', 'e'])
  expect(seconds).toEqual([0.25, 0.25, 0.25, 0.25, 0.25])
  expect(threads.waiting).toBe(0)
})

test('a thread starts when none is free, and holds the process while it works only', async () => {
  const { started, start } = withThreads({ threads: 2, waiting: 3 })
  expect(started).toHaveLength(0)
  const first = start('a')
  expect(started.map(({ holds }) => holds)).toEqual([true])
  started[0]?.answer()
  await first
  expect(started.map(({ holds }) => holds)).toEqual([false])
  const second = start('b')
  expect(started).toHaveLength(1)
  started[0]?.answer()
  expect(await second).toBe('b')
})

test('what Node sends from a thread that is watched for changes of its files is no answer', async () => {
  const { started, start, seconds } = withThreads({ threads: 1, waiting: 3 })
  const first = start('a')
  started[0]?.emit('message', { 'watch:import': ['file:///app/hash-thread.js'] })
  expect(seconds).toEqual([])
  started[0]?.answer()
  expect(await first).toBe('a')
})

test('the jobs of a thread that ends are rejected, and another thread takes the waiting ones', async () => {
  const { started, start } = withThreads({ threads: 1, waiting: 3 })
  const lost = [start('a'), start('b')]
  const kept = start('c')
  started[0]?.emit('error', new Error('out of memory'))
  started[0]?.emit('exit', 1)
  for (const job of lost) await expect(job).rejects.toThrow('out of memory')
  expect(started).toHaveLength(2)
  started[1]?.answer()
  expect(await kept).toBe('c')
})

test('nothing waits for ever when the server shuts down', async () => {
  const { threads, started, start } = withThreads({ threads: 1, waiting: 3 })
  const all = ['a', 'b', 'c'].map((text) => start(text))
  const outcomes = Promise.allSettled(all)
  await threads.close()
  expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  await expect(start('d')).rejects.toThrow('shutting down')
  expect(started).toHaveLength(1)
})

test('real threads hash, compare, say why they cannot, and go on', async () => {
  const seconds: number[] = []
  const threads = new HashThreads({ threads: 1, waiting: 8 }, (taken) => seconds.push(taken))
  opened.push(threads)
  const hash = await threads.run({ kind: 'hash', text: 'a password', cost: 4 })
  const compared = threads.run({ kind: 'compare', spellings: ['another', 'a password'], hash, alsoCosts: [4, 5] })
  const refused = threads.run({ kind: 'hash', text: undefined as never, cost: 4 })
  await expect(refused).rejects.toThrow(/data and salt/)
  expect(await compared).toEqual([false, true])
  expect(await threads.run({ kind: 'compare', spellings: ['a password'], hash, alsoCosts: [] })).toEqual([true])
  expect(seconds).toHaveLength(4)
})

test('owners go before strangers, strangers go before unknown emails, and each replaces the next when the queue is full', async () => {
  const { threads, started, start, jobs } = withThreads({ threads: 1, waiting: 4 })
  const done: string[] = []
  const follow = (text: string, priority: HashPriority) =>
    start(text, priority).then(
      () => done.push(text),
      (error) => done.push(error instanceof QueueFullError ? `${text} refused` : String(error)),
    )
  const all = [
    follow('running', 'stranger'),
    ...(['next', 'unknown 1', 'unknown 2'] as const).map((text) => follow(text, 'unknownEmail')),
    follow('stranger', 'stranger'),
    follow('owner', 'owner'),
    follow('stranger 2', 'stranger'),
    follow('unknown 3', 'unknownEmail'),
  ]
  expect(threads.waiting).toBe(4)
  for (let job = 0; job < 5; job++) started[0]?.answer()
  await Promise.all(all)
  expect(jobs()).toEqual([[]])
  expect(done).toEqual([
    'unknown 2 refused',
    'unknown 1 refused',
    'unknown 3 refused',
    'running',
    'next',
    'owner',
    'stranger',
    'stranger 2',
  ])
})
