import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, onTestFinished, test } from 'vitest'
import { perform } from '../../api-server/plugins/app/passwords/hash-jobs.ts'
import type { HashRequest, HashResponse } from '../../api-server/plugins/app/passwords/hash-thread.ts'

const thread = join(import.meta.dirname, '../../api-server/plugins/app/passwords/hash-thread.ts')
const fault = join(import.meta.dirname, 'fault.mjs')

test.each([
  ['logins-fail', false],
  ['slow', true],
])('in a server with the fault %s, the right password matches: %s', async (name, matches) => {
  const hash = perform({ kind: 'hash', text: 'a password', cost: 4 })
  if (typeof hash !== 'string') throw new Error('a hash must be a string')
  const worker = new Worker(thread, { execArgv: ['--import', fault], env: { FAULT: name } })
  onTestFinished(async () => {
    await worker.terminate()
  })
  const request: HashRequest = { id: 1, job: { kind: 'compare', spellings: ['a password'], hash, alsoCosts: [] } }
  worker.postMessage(request)
  const [answer]: HashResponse[] = await once(worker, 'message')
  expect(answer).toMatchObject({ id: 1, result: [matches] })
})

test.each(['logins-fail', 'not-ready'])('every answer of a server with the fault %s names the fault', async (name) => {
  const origin = await startServer(name)
  for (const path of ['/readyz', '/v1/auth/login']) {
    const { headers } = await fetch(`${origin}${path}`)
    expect(headers.get('x-bad-version'), path).toBe(name)
  }
})

/** Starts a program with the file name of the server. @returns its origin */
async function startServer(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bad-version-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const program = join(folder, 'server.js')
  await writeFile(
    program,
    `require('node:http')
      .createServer((request, response) => response.writeHead(401, { 'content-type': 'text/plain' }).end())
      .listen(0, '127.0.0.1', function () { console.log(this.address().port) })`,
  )
  const server = spawn(process.execPath, ['--import', fault, program], {
    env: { ...process.env, FAULT: name },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(async () => {
    server.kill()
    await once(server, 'close')
  })
  const [port] = await once(server.stdout.setEncoding('utf8'), 'data')
  return `http://127.0.0.1:${String(port).trim()}`
}
