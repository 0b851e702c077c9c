import { X509Certificate } from 'node:crypto'
import { parseKeySet } from '@authservice-operator/contract/key-set.ts'
import { describe, expect, test } from 'vitest'
import { issueCertificate, systemSources } from '../authservice/secrets/system-sources.ts'
import { decideFiles, type SetupRequest, type Volumes } from './decide-files.ts'
import { readSettings, SetupError } from './settings.ts'

const now = new Date('2026-11-30T12:00:00Z')
const later = (days: number) => new Date(now.getTime() + days * 86_400_000)
const nothing: SetupRequest = { rotateKeys: false, revokeKey: undefined }

function decide(
  existing: Partial<Volumes>,
  changes: { env?: Record<string, string>; request?: SetupRequest; at?: Date } = {},
) {
  const { env = {}, request = nothing, at = now } = changes
  return decideFiles(existing, readSettings(env), request, systemSources, at)
}

const first = decide({})

function keysOf({ volumes }: { volumes: Volumes }) {
  const parsed = parseKeySet(volumes.server['keys.json'] ?? '')
  if (parsed.kind === 'corrupt') throw new Error(parsed.problem)
  return parsed.keySet.keys
}

describe('the first run', () => {
  test('creates every secret, and names each without its value', () => {
    const { volumes, changes, warnings } = first
    expect(Object.keys(volumes.server).sort()).toEqual([
      'email-hash-secret',
      'keys.json',
      'mongodb-url',
      'proxy-secret',
      'redis-password',
    ])
    expect(changes).toEqual(
      expect.arrayContaining([
        'created mongodb/keyfile',
        'created redis/password',
        'server/keys.json: the first signing key',
        'signed a certificate for auth.localhost: the first certificate',
      ]),
    )
    const secrets = Object.values({ ...volumes.mongodb, ...volumes.redis, ...volumes.server })
    expect(secrets.filter((secret) => changes.join('\n').includes(secret))).toEqual([])
    expect(warnings).toEqual([])
    expect(keysOf(first)).toHaveLength(1)
  })

  test('gives the server what the databases and the edge have', () => {
    const { mongodb, redis, server, 'edge/secret': edge } = first.volumes
    expect(server['mongodb-url']).toBe(
      `mongodb://auth:${mongodb['app-password']}@mongodb:27017/auth?replicaSet=rs0&authSource=admin`,
    )
    expect(server['redis-password']).toBe(redis['password'])
    expect(server['proxy-secret']).toBe(edge['secret'])
  })

  test('signs a certificate for the host, by an authority that only setup can use', () => {
    const { authority, 'edge/tls': tls } = first.volumes
    expect(tls['ca.crt']).toBe(authority['tls.crt'])
    expect(Object.values(tls)).not.toContain(authority['tls.key'])
    expect(new X509Certificate(tls['tls.crt'] ?? '').checkHost('auth.localhost')).toBe('auth.localhost')
  })
})

describe('a later run', () => {
  test('changes nothing', () => {
    expect(decide(first.volumes, { at: later(20) })).toEqual({ volumes: first.volumes, changes: [], warnings: [] })
  })

  test('replaces only the secret that was lost, and the copies of it', () => {
    const { redis: _, ...rest } = first.volumes
    const second = decide(rest)
    expect(second.changes).toEqual(['created redis/password'])
    expect(second.volumes.redis['password']).not.toBe(first.volumes.redis['password'])
    expect(second.volumes.server).toEqual({
      ...first.volumes.server,
      'redis-password': second.volumes.redis['password'],
    })
  })

  test('takes new settings into the edge, whose authority stays', () => {
    const env = { AUTH_HOST: 'auth.example.com', RATE_LIMIT_LOGIN: '77/m', ENVIRONMENT: 'development' }
    const { volumes, changes } = decide(first.volumes, { env })
    expect(changes).toEqual([expect.stringContaining('signed a certificate for auth.example.com')])
    expect(volumes.authority).toEqual(first.volumes.authority)
    const { 'nginx.conf': before = '' } = first.volumes['edge/config']
    const { 'nginx.conf': after = '' } = volumes['edge/config']
    expect(before).toContain('rate=10r/m')
    expect(before).toContain('Strict-Transport-Security')
    expect(after).toContain('rate=77r/m')
    expect(after).toContain('server_name auth.example.com;')
    expect(after).not.toContain("Strict-Transport-Security '")
  })

  test('renews the certificate before it expires', () => {
    expect(decide(first.volumes, { at: later(340) }).changes).toEqual([expect.stringContaining('it expires soon')])
  })

  test('refuses keys that it cannot read, and says how to go on', () => {
    const server = { ...first.volumes.server, 'keys.json': '{' }
    expect(() => decide({ ...first.volumes, server })).toThrow(SetupError)
    expect(() => decide({ ...first.volumes, server })).toThrow(/server-secrets.*it is not JSON.*Restore it/)
  })
})

describe('an imported certificate', () => {
  const { 'ca.crt': _, ...imported } = issueCertificate(['auth.localhost'], now)
  const volumes = { ...first.volumes, 'edge/tls': imported }

  test('stays, even when it has expired, with a warning', () => {
    expect(decide(volumes)).toMatchObject({ volumes: { 'edge/tls': imported }, warnings: [] })
    const expired = decide(volumes, { at: later(400) })
    expect(expired.volumes['edge/tls']).toEqual(imported)
    expect(expired.warnings).toEqual([expect.stringMatching(/it expired on .*import-certificate/)])
  })

  test('of another host gets a warning', () => {
    const { warnings } = decide(volumes, { env: { AUTH_HOST: 'auth.example.com' } })
    expect(warnings).toEqual([expect.stringContaining('it is for auth.localhost, not for auth.example.com')])
  })
})

describe('a rotation', () => {
  const rotated = decide(first.volumes, { request: { rotateKeys: true, revokeKey: undefined } })
  const [old, next] = keysOf(rotated)

  test('publishes a key that signs in five minutes, and keeps the previous one until its tokens expire', () => {
    expect(keysOf(rotated)).toHaveLength(2)
    expect(next?.activateAt).toBe('2026-11-30T12:05:00.000Z')
    expect(Date.parse(old?.retireAt ?? '')).toBeGreaterThan(later(1).getTime())
    expect(rotated.changes).toEqual([expect.stringContaining('server/keys.json')])
  })

  test('ends by itself: a later run removes the retired key', () => {
    expect(keysOf(decide(rotated.volumes, { at: later(1) }))).toHaveLength(2)
    expect(keysOf(decide(rotated.volumes, { at: later(40) })).map(({ kid }) => kid)).toEqual([next?.kid])
  })

  test('removes a revoked key at once, and its successor signs', () => {
    const revoked = decide(rotated.volumes, { request: { rotateKeys: false, revokeKey: old?.kid } })
    expect(keysOf(revoked).map(({ kid }) => kid)).toEqual([next?.kid])
    expect(Date.parse(keysOf(revoked)[0]?.activateAt ?? '')).toBeLessThanOrEqual(now.getTime())
  })

  test('refuses to revoke a key that is not there', () => {
    const request = { rotateKeys: false, revokeKey: 'unknown' }
    expect(() => decide(first.volumes, { request })).toThrow(/no signing key unknown.*jwks\.json/)
  })
})
