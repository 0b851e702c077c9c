import { parentPort } from 'node:worker_threads'
import { type HashJob, type HashResult, perform } from './hash-jobs.ts'

/** Message to the thread. */
export interface HashRequest {
  id: number
  job: HashJob
}

/** Answer of the thread: a result or an error, and the seconds that the hash took, without its wait. */
export type HashResponse = { id: number; seconds: number } & ({ result: HashResult } | { error: Error })

parentPort?.on('message', ({ id, job }: HashRequest) => {
  const start = performance.now()
  const answer = (content: { result: HashResult } | { error: Error }): HashResponse => ({
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
