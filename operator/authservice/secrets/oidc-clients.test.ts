import type { OidcClient } from '@authservice-operator/contract/oidc-client-schema.ts'
import { parseOidcClients } from '@authservice-operator/contract/oidc-clients.ts'
import { expect, test } from 'vitest'
import { resolveSpec } from '../api/defaults.ts'
import { clientsFileOf, logoutCaOf } from './oidc-clients.ts'

const client = (id: string, uris = 1): OidcClient => ({
  id,
  name: 'Shop',
  redirectUris: Array.from({ length: uris }, (_, index) => `https://shop.example.com/${index}/${'a'.repeat(400)}`),
  grants: ['authorization_code'],
  scopes: ['openid'],
  authentication: { method: 'none' },
})

test('servers accept the file, with any number of clients', () => {
  for (const clients of [[], [client('a')], [client('a'), client('b')]]) {
    expect(parseOidcClients(clientsFileOf(clients).content)).toEqual({ kind: 'valid', file: { version: 1, clients } })
  }
})

test('the file has what its clients need besides', () => {
  const uri = 'https://shop.example.com/logout'
  const others = {
    serviceAccountIssuers: [],
    logoutReceivers: [{ host: 'shop.example.com', port: 443 }],
    logoutCa: 'a\nb',
  }
  const clients = [{ ...client('a'), backchannelLogoutUri: uri }]
  const { content } = clientsFileOf(clients, undefined, others)
  expect(parseOidcClients(content)).toEqual({ kind: 'valid', file: { version: 1, clients, ...others } })
})

test('a client that does not fit into a Secret is left out, and later ones that fit go on', () => {
  const large = Array.from({ length: 120 }, (_, index) => client(`large-${index}`, 20))
  const { content, refused } = clientsFileOf([...large, client('small')])
  expect(Buffer.byteLength(content)).toBeLessThanOrEqual(1_000_000)
  expect(refused.length).toBeGreaterThan(0)
  expect(refused).not.toContain('small')
  const parsed = parseOidcClients(content)
  expect(parsed.kind === 'valid' && parsed.file.clients.length).toBe(121 - refused.length)
})

test('clients that servers have keep their places when others are added or become longer', () => {
  const published = Array.from({ length: 1_700 }, (_, index) => client(`published-${index}`))
  const { content, refused } = clientsFileOf(published)
  expect(refused).toEqual([])
  const longer = Array.from({ length: 100 }, (_, index) => client(`published-${index}`, 20))
  const wanted = [client('older', 3), ...longer, ...published.slice(100), client('newer')]
  const next = clientsFileOf(wanted, content)
  const unchanged = published.slice(100).map(({ id }) => id)
  expect(next.refused.filter((id) => unchanged.includes(id))).toEqual([])
  expect(next.refused).toContain('published-99')
  const again = clientsFileOf(wanted, next.content)
  expect(again, 'the file is stable').toEqual(next)
  const parsed = parseOidcClients(next.content)
  const ids = parsed.kind === 'valid' ? parsed.file.clients.map(({ id }) => id) : []
  expect(ids, 'in the order of the clients').toEqual(wanted.map(({ id }) => id).filter((id) => ids.includes(id)))
})

test('servers accept 5,000 clients, and one more is left out', () => {
  const clients = Array.from({ length: 5_001 }, (_, index) => ({
    ...client(`c${index}`),
    redirectUris: ['https://a.b/'],
  }))
  const { content, refused } = clientsFileOf(clients)
  expect(parseOidcClients(content).kind).toBe('valid')
  expect(refused).toEqual(['c5000'])
})

test('the CA of receivers comes from the Secret that the spec names, unless servers would refuse it', () => {
  const caSecretRef = { name: 'ca', key: 'ca.crt' }
  const resolved = resolveSpec({
    metadata: { name: 'accounts', namespace: 'team-a' },
    spec: { mongodb: {}, redis: {}, oidc: { enabled: true, backchannelLogout: { caSecretRef } } },
  })
  const of = (pem: string) => logoutCaOf(resolved, new Map([['ca', { 'ca.crt': pem }]]))
  expect(of('a certificate')).toBe('a certificate')
  expect(of('')).toBeUndefined()
  expect(of('a'.repeat(65_537))).toBeUndefined()
  expect(logoutCaOf(resolved, new Map())).toBeUndefined()
  expect(logoutCaOf({ oidc: undefined }, new Map([['ca', { 'ca.crt': 'a' }]]))).toBeUndefined()
})
