import { Worker } from 'node:worker_threads'
import type { HashJob, HashResult } from './hash-jobs.ts'
import type { HashRequest, HashResponse } from './hash-thread.ts'

/** The queue is full: there are more logins than the processors can hash passwords for. */
export class QueueFullError extends Error {}

/**
 * For whom a hash is computed, in order of priority. Owners have identified themselves (a known device, a token).
 * Strangers have not. `unknownEmail` means that the email has no account.
 */
const hashPriorities = ['owner', 'stranger', 'unknownEmail'] as const
export type HashPriority = (typeof hashPriorities)[number]

/** The members of `Worker` that are used. */
export type Thread = Pick<Worker, 'postMessage' | 'on' | 'ref' | 'unref' | 'terminate'>

/** Tasks of the thread by ID; it works on the first one. */
type TasksOfThread = Map<number, Task>

interface Task {
  id: number
  job: HashJob
  /** Index in `hashPriorities`: the lowest goes first. */
  rank: number
  resolve: (result: HashResult) => void
  reject: (error: Error) => void
}

/**
 * Jobs that a thread holds: the current one and the next one, so that it does not wait for the main thread between two
 * hashes.
 */
const jobsOfThread = 2

/**
 * Separate threads for password hashes, so that libuv's pool stays free for DNS and files, with a bounded queue. A
 * thread starts when there is work and no other is free, and stays.
 */
export class HashThreads {
  readonly #most: number
  readonly #maxWaiting: number
  readonly #observe: (seconds: number) => void
  readonly #start: () => Thread
  readonly #threads = new Map<Thread, TasksOfThread>()
  readonly #waiting: Task[] = []
  #lastId = 0
  #isClosed = false

  /**
   * @param limits.threads 1 or more; number of concurrent hashes
   * @param limits.waiting maximum number of waiting jobs
   * @param observe receives the seconds of each hash, without its wait
   */
  constructor(
    limits: { threads: number; waiting: number },
    observe: (seconds: number) => void,
    start: () => Thread = startThread,
  ) {
    this.#most = limits.threads
    this.#maxWaiting = limits.waiting
    this.#observe = observe
    this.#start = start
  }

  /** Jobs that no thread has started. */
  get waiting(): number {
    return [...this.#threads.values()].reduce((sum, tasks) => sum + Math.max(0, tasks.size - 1), this.#waiting.length)
  }

  /**
   * A job goes before all waiting jobs of lower priority, and replaces the last of them if the queue is full.
   * @throws QueueFullError when the queue is full, or a job of higher priority replaced this one; the error of the job;
   * when its thread ends
   */
  run<Job extends HashJob>(job: Job, priority: HashPriority = 'stranger'): Promise<HashResult<Job>> {
    if (this.#isClosed) return Promise.reject(new Error('The server is shutting down.'))
    const isBusy = this.#threads.size === this.#most && this.#withFewerThan(1) === undefined
    const rank = hashPriorities.indexOf(priority)
    if (isBusy && this.waiting >= this.#maxWaiting && !this.#giveWay(rank)) return Promise.reject(new QueueFullError())
    return new Promise<HashResult<Job>>((resolve, reject) => {
      // A thread answers a job with a result of the same kind.
      const resolved = (result: HashResult): void => resolve(result as HashResult<Job>)
      const before = this.#waiting.findIndex((waiting) => waiting.rank > rank)
      const place = before === -1 ? this.#waiting.length : before
      this.#waiting.splice(place, 0, { id: ++this.#lastId, job, rank, resolve: resolved, reject })
      this.#dispatch()
    })
  }

  /** Ends the threads. Unfinished jobs are rejected. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const task of this.#waiting.splice(0)) task.reject(new Error('The server is shutting down.'))
    await Promise.all([...this.#threads.keys()].map((thread) => thread.terminate()))
  }

  /** Refuses the last waiting job if it has a lower priority. @returns whether there is room now */
  #giveWay(rank: number): boolean {
    const last = this.#waiting.at(-1)
    if (last === undefined || last.rank <= rank) return false
    this.#waiting.pop()
    last.reject(new QueueFullError())
    return true
  }

  #dispatch(): void {
    for (let [task] = this.#waiting; task !== undefined; [task] = this.#waiting) {
      const free = this.#threadForNext()
      if (free === undefined) return
      const [thread, tasks] = free
      this.#waiting.shift()
      if (tasks.size === 0) thread.ref()
      tasks.set(task.id, task)
      thread.postMessage({ id: task.id, job: task.job } satisfies HashRequest)
    }
  }

  #threadForNext(): [Thread, TasksOfThread] | undefined {
    const idle = this.#withFewerThan(1)
    if (idle !== undefined) return idle
    return this.#threads.size < this.#most ? this.#begin() : this.#withFewerThan(jobsOfThread)
  }

  #withFewerThan(jobs: number): [Thread, TasksOfThread] | undefined {
    return [...this.#threads].find(([, tasks]) => tasks.size < jobs)
  }

  #begin(): [Thread, TasksOfThread] {
    const thread = this.#start()
    const tasks: TasksOfThread = new Map()
    this.#threads.set(thread, tasks)
    thread.unref() // an idle thread does not keep the process alive
    thread.on('message', (answer: object) => {
      // Under `node --watch`, Node itself sends messages from a thread about its imports.
      if (!isResponse(answer)) return
      const task = tasks.get(answer.id)
      tasks.delete(answer.id)
      if (tasks.size === 0) thread.unref()
      this.#observe(answer.seconds)
      this.#dispatch()
      if ('error' in answer) task?.reject(answer.error)
      else task?.resolve(answer.result)
    })
    const end = (error: Error): void => {
      this.#threads.delete(thread)
      for (const task of tasks.values()) task.reject(error)
      tasks.clear()
      this.#dispatch()
    }
    thread.on('error', (error) => end(error instanceof Error ? error : new Error(String(error))))
    thread.on('exit', (code) => end(new Error(`The thread that hashes passwords exited with code ${code}.`)))
    return [thread, tasks]
  }
}

function isResponse(message: object): message is HashResponse {
  return 'id' in message && 'seconds' in message
}

/** In the image, the thread's program is a bundle next to that of the server. */
function startThread(): Thread {
  const file = import.meta.url.endsWith('.ts') ? './hash-thread.ts' : './hash-thread.js'
  return new Worker(new URL(file, import.meta.url), {
    name: 'password-hash',
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
  })
}
