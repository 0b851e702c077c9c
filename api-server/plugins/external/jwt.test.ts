import { generateKeyPairSync } from 'node:crypto'
import fastify from 'fastify'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { expect, test } from 'vitest'
import jwt from './jwt.ts'

test('the private key is read once for all tokens that it signs', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  let reads = 0
  const key = {
    alg: 'ES256' as const,
    header: { alg: 'ES256', kid: 'one', typ: 'at+jwt' },
    get signing() {
      reads++
      return String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
    },
  }
  await using app = fastify()
  const unused = async () => {}
  const options = { algorithms: ['ES256' as const], issuer: 'issuer', audience: 'api', type: 'at+jwt' }
  await app.register(jwt, { ...options, tokenOf: () => '', keyOf: () => '', requireTrusted: unused })
  for (const sub of ['first', 'second']) {
    const claims = { sub, iat: 1 }
    const token = app.signJwt(claims, key)
    expect(decodeProtectedHeader(token)).toEqual(key.header)
    expect((await jwtVerify(token, publicKey)).payload).toEqual(claims)
  }
  expect(reads).toBe(1)
})
