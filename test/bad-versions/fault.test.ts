import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, onTestFinished, test } from 'vitest'
import { perform } from '../../api-server/plugins/app/passwords/hash-jobs.ts'
import type { HashAnswer, HashRequest } from '../../api-server/plugins/app/passwords/hash-thread.ts'

const thread = join(import.meta.dirname, '../../api-server/plugins/app/passwords/hash-thread.ts')

test.each([
  ['logins-fail', false],
  ['slow', true],
])('the right password matches in a server with the fault %s: %s', async (fault, matches) => {
  const hash = perform({ kind: 'hash', text: 'a password', cost: 4 })
  if (typeof hash !== 'string') throw new Error('A hash is a text.')
  const worker = new Worker(thread, {
    execArgv: ['--import', join(import.meta.dirname, 'fault.mjs')],
    env: { FAULT: fault },
  })
  onTestFinished(async () => {
    await worker.terminate()
  })
  const request: HashRequest = { id: 1, job: { kind: 'compare', spellings: ['a password'], hash, alsoCosts: [] } }
  worker.postMessage(request)
  const [answer]: HashAnswer[] = await once(worker, 'message')
  expect(answer).toMatchObject({ id: 1, result: [matches] })
})
