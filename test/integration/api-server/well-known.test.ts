import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { developmentKeys } from '../../../tools/local-servers/signing-keys.ts'
import { startApp } from './app-for-test.ts'

test('caches keep the key set for a minute, and revalidate it without a transfer', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'authservice-keys-'))
  const server = await startApp({ JWT_KEYS_FILE: await developmentKeys(folder), JWT_SECRET: '' })
  try {
    const first = await server.get('/.well-known/jwks.json')
    expect(first.headers['cache-control']).toBe('public, max-age=60')
    expect(first.body['keys']).toEqual([
      {
        kty: 'EC',
        crv: 'P-256',
        x: expect.any(String),
        y: expect.any(String),
        kid: expect.any(String),
        alg: 'ES256',
        use: 'sig',
      },
    ])
    const again = await server.get('/.well-known/jwks.json', { 'if-none-match': String(first.headers['etag']) })
    expect(again).toMatchObject({ status: 304, body: {}, headers: { etag: first.headers['etag'] } })
  } finally {
    await server.close()
    await rm(folder, { recursive: true })
  }
})

test('no secret is published', async () => {
  const server = await startApp()
  try {
    expect((await server.get('/.well-known/jwks.json')).body).toEqual({ keys: [] })
  } finally {
    await server.close()
  }
})

test('a resource server finds the endpoints from the issuer alone', async () => {
  const server = await startApp()
  try {
    const path = '/.well-known/oauth-authorization-server'
    const { status, body, headers } = await server.get(path)
    expect(status).toBe(200)
    expect((await server.get(path, { 'if-none-match': String(headers['etag']) })).status).toBe(304)
    expect(body['issuer']).toBe(server.config.issuer)
    for (const endpoint of ['jwks_uri', 'introspection_endpoint', 'revocation_endpoint']) {
      const { origin, pathname } = new URL(String(body[endpoint]))
      expect(origin).toBe(server.config.issuer)
      expect(Object.keys(server.app.swagger().paths ?? {})).toContain(pathname)
    }
  } finally {
    await server.close()
  }
})
