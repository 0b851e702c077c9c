import { Worker } from 'node:worker_threads'
import type { HashJob, HashResult } from './hash-jobs.ts'
import type { HashAnswer, HashRequest } from './hash-thread.ts'

/** The queue is full: the server has more log-ins than its processors can hash. */
export class QueueFullError extends Error {}

/** What is used of a `Worker`. */
export type Thread = Pick<Worker, 'postMessage' | 'on' | 'ref' | 'unref' | 'terminate'>

/** Those that it has by their id, the one that it works at first. */
type TasksOfThread = Map<number, Task>

interface Task {
  id: number
  job: HashJob
  resolve: (result: HashResult) => void
  reject: (error: Error) => void
}

/**
 * Jobs that a thread has at a time: the one it works at and the next. A thread that would sleep between two of them
 * is owed processor time by the kernel when it wakes, and takes it from the thread that answers requests: up to a
 * tick (4 ms at 250 Hz) after each log-in.
 * @see https://docs.kernel.org/scheduler/sched-eevdf.html
 */
const jobsOfThread = 2

/**
 * Threads of their own for password hashes, so that libuv's pool stays free for DNS and files, with a queue that is
 * bounded. A thread starts when there is work that no other is free for, and stays.
 */
export class HashThreads {
  readonly #most: number
  readonly #mostWaiting: number
  readonly #observe: (seconds: number) => void
  readonly #start: () => Thread
  readonly #threads = new Map<Thread, TasksOfThread>()
  readonly #waiting: Task[] = []
  #lastId = 0
  #isClosed = false

  /**
   * @param limits.threads at 1 or more; as many hashes run at a time
   * @param limits.waiting how many jobs may wait besides those that run
   * @param observe gets the seconds of each hash, without its wait
   */
  constructor(
    limits: { threads: number; waiting: number },
    observe: (seconds: number) => void,
    start: () => Thread = startThread,
  ) {
    this.#most = limits.threads
    this.#mostWaiting = limits.waiting
    this.#observe = observe
    this.#start = start
  }

  /** Jobs that no thread works at yet. */
  get waiting(): number {
    return [...this.#threads.values()].reduce((sum, tasks) => sum + Math.max(0, tasks.size - 1), this.#waiting.length)
  }

  /** @throws QueueFullError at once when there is no room to wait; what the job throws; when its thread ends */
  run<Job extends HashJob>(job: Job): Promise<HashResult<Job>> {
    if (this.#isClosed) return Promise.reject(new Error('The server shuts down.'))
    const isBusy = this.#threads.size === this.#most && this.#withFewerThan(1) === undefined
    if (isBusy && this.waiting >= this.#mostWaiting) return Promise.reject(new QueueFullError())
    return new Promise<HashResult<Job>>((resolve, reject) => {
      // A thread answers a job with the result of its kind.
      const resolved = (result: HashResult): void => resolve(result as HashResult<Job>)
      this.#waiting.push({ id: ++this.#lastId, job, resolve: resolved, reject })
      this.#dispatch()
    })
  }

  /** Ends the threads. Jobs that were not done are rejected. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const task of this.#waiting.splice(0)) task.reject(new Error('The server shuts down.'))
    await Promise.all([...this.#threads.keys()].map((thread) => thread.terminate()))
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
    thread.unref() // an idle thread holds no process that wants to end
    thread.on('message', (answer: object) => {
      // Under `node --watch` Node itself sends messages from a thread: what it has imported.
      if (!isAnswer(answer)) return
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
    thread.on('exit', (code) => end(new Error(`The thread that hashes passwords ended with code ${code}.`)))
    return [thread, tasks]
  }
}

function isAnswer(message: object): message is HashAnswer {
  return 'id' in message && 'seconds' in message
}

/** In the image the thread's program is a bundle beside the server's. */
function startThread(): Thread {
  const file = import.meta.url.endsWith('.ts') ? './hash-thread.ts' : './hash-thread.js'
  return new Worker(new URL(file, import.meta.url), {
    name: 'password-hash',
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
  })
}
