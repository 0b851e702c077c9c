import { expect, onTestFinished, test } from 'vitest'
import { ServiceAccountIssuerReader } from './service-account-issuer.ts'
import type { KubeRequest } from './transport.ts'

const keyOf = (kid: string) => ({ kty: 'EC', kid, alg: 'ES256', use: 'sig', crv: 'P-256', x: 'eA', y: 'eQ' })
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** A reader of an API server with these answers, or with a failure. */
function readerOf(answers: { issuer: string; keys: object[] } | Error) {
  const server = { answers, changes: 0 }
  const transport = {
    json: async <Answer>({ path }: KubeRequest): Promise<Answer> => {
      if (server.answers instanceof Error) throw server.answers
      const { issuer, keys } = server.answers
      return (path === '/openid/v1/jwks' ? { keys } : { issuer }) as Answer
    },
  }
  const reader = new ServiceAccountIssuerReader({ transport, log: silent, intervalMilliseconds: 10 })
  reader.onChange(() => void server.changes++)
  onTestFinished(() => reader.stop())
  return { server, reader }
}

test('keys that rotate are noticed, and each change once', async () => {
  const issuer = 'https://kubernetes.default.svc'
  const { server, reader } = readerOf({ issuer, keys: [{ ...keyOf('one'), x5c: ['more than is needed'] }] })
  await reader.start()
  expect(reader.current).toEqual({ issuer, jwks: { keys: [keyOf('one')] } })
  server.answers = { issuer, keys: [keyOf('one'), keyOf('two')] }
  await expect.poll(() => reader.current?.jwks.keys.length).toBe(2)
  expect(server.changes).toBe(2)
})

test('a failure keeps the last answer, and says why there is none', async () => {
  const { server, reader } = readerOf(new Error('it is forbidden'))
  await reader.start()
  expect([reader.current, reader.problem]).toEqual([undefined, 'it is forbidden'])
  server.answers = { issuer: 'https://kubernetes.default.svc', keys: [keyOf('one')] }
  await expect.poll(() => reader.current).toBeDefined()
  server.answers = new Error('it is unavailable')
  await expect.poll(() => reader.problem).toBe('it is unavailable')
  expect(reader.current?.jwks.keys).toEqual([keyOf('one')])
})

test.each([
  ['http://kubernetes.default.svc', [keyOf('one')], /names no issuer with https/],
  ['kubernetes/serviceaccount', [keyOf('one')], /names no issuer with https/],
  ['https://kubernetes.default.svc', [], /answers no keys/],
])('an issuer %s with the keys %j is not used', async (issuer, keys, problem) => {
  const { reader } = readerOf({ issuer, keys })
  await reader.start()
  expect(reader.current).toBeUndefined()
  expect(reader.problem).toMatch(problem)
})
