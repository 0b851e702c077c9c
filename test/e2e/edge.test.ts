import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { EdgeClient, EdgeResponse } from '../../tools/cluster-client/edge-client.ts'
import { edgeClient } from './cluster-under-test.ts'

const { namespace, name, host } = inject('quickstart')
let edge: EdgeClient

beforeAll(async () => {
  edge = await edgeClient(namespace, name, host)
})

afterAll(() => edge.close())

test('a client over the rate limit gets a problem with Retry-After, and is served again later', async () => {
  const answers = await Promise.all(Array.from({ length: 600 }, () => edge.call('GET', '/.well-known/jwks.json')))
  const refused = answers.filter(({ status }) => status === 429)
  expect(refused.length, statuses(answers)).toBeGreaterThan(0)
  expect(refused[0]).toMatchObject({
    headers: { 'content-type': expect.stringContaining('application/problem+json'), 'retry-after': expect.any(String) },
    body: { status: 429, code: expect.any(String) },
  })
  await expect
    .poll(async () => (await edge.call('GET', '/.well-known/jwks.json')).status, { timeout: 30_000 })
    .toBe(200)
})

test('a body over the size limit is refused', async () => {
  const { status } = await edge.call('POST', '/v1/auth/login', {
    json: { email: 'a@example.com', password: 'x'.repeat(64 * 1024) },
  })
  expect(status).toBe(413)
})

function statuses(answers: readonly EdgeResponse[]): string {
  const counts: Record<string, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return `answers by status: ${JSON.stringify(counts)}`
}
