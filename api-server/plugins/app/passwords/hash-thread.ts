import { platform, setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { type HashJob, type HashResult, perform } from './hash-jobs.ts'

/** What the thread gets. */
export interface HashRequest {
  id: number
  job: HashJob
}

/** What it answers: a result or an error, and how many seconds the hash took, without its wait. */
export type HashAnswer = { id: number; seconds: number } & ({ result: HashResult } | { error: Error })

/** A tenth of the weight of the thread that answers requests. */
const niceness = 10

/*
 * Linux gives each thread a priority of its own, and 0 is the thread that asks. Without it whoever verifies a token
 * while a hash runs on the same processor waits for the end of its time slice. Elsewhere it would be the process's.
 * See https://man7.org/linux/man-pages/man2/setpriority.2.html, "C library/kernel differences".
 */
if (platform() === 'linux') setPriority(0, niceness)

parentPort?.on('message', ({ id, job }: HashRequest) => {
  const start = performance.now()
  const answer = (content: { result: HashResult } | { error: Error }): HashAnswer => ({
    id,
    seconds: (performance.now() - start) / 1000,
    ...content,
  })
  try {
    const result = perform(job)
    parentPort?.postMessage(answer({ result }))
  } catch (error) {
    parentPort?.postMessage(answer({ error: error instanceof Error ? error : new Error(String(error)) }))
  }
})
