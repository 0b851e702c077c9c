import { parseOidcClients } from '@authservice-operator/contract/oidc-clients.ts'
import { expect, test } from 'vitest'
import type { AuthService } from '../authservice/api/schema.ts'
import { clientsFileOf } from '../authservice/secrets/oidc-clients.ts'
import type { AuthClient } from './api/schema.ts'
import { entryOf } from './client-entry.ts'
import { isNewsFor, publishedClients } from './published-clients.ts'

const owner: AuthService = {
  apiVersion: 'auth-operator.dev/v1alpha1',
  kind: 'AuthService',
  metadata: { name: 'accounts', namespace: 'auth', uid: 'u-1', generation: 1 },
  spec: {
    mongodb: {},
    redis: {},
    oidc: { enabled: true, clientNamespaces: { from: 'Names', names: ['shops', 'support'] } },
  },
}
const hash = '1'.repeat(64)
const clientOf = (namespace: string, name: string, secretHashes = [hash]): AuthClient => ({
  apiVersion: 'auth-operator.dev/v1alpha1',
  kind: 'AuthClient',
  metadata: { name, namespace, uid: `${namespace}-${name}`, generation: 1 },
  spec: { authServiceRef: { name: 'accounts', namespace: 'auth' }, redirectUris: ['https://shop.example.com/'] },
  status: { secretHashes },
})
const fileWith = (...clients: AuthClient[]) =>
  clientsFileOf(clients.map((client) => entryOf(client, client.status?.secretHashes ?? []))).content
const idsOf = (entries: readonly { id: string }[]) => entries.map(({ id }) => id)

test('servers keep the clients that the operator has no room for, and no others', () => {
  const file = fileWith(clientOf('shops', 'a'), clientOf('support', 'b'), clientOf('others', 'c'))
  const clients = [clientOf('shops', 'new')]
  const isMissing = (id: string) => id !== 'support.b'
  const { entries, kept } = publishedClients(owner, { clients, isMissing, file })
  expect(idsOf(entries)).toEqual(['shops.a', 'shops.new'])
  expect(idsOf(kept)).toEqual(['shops.a'])
  expect(idsOf(publishedClients(owner, { clients, isMissing: () => false, file }).entries)).toEqual(['shops.new'])
})

test('a client that is kept loses a receiver of logout tokens that its AuthService no longer lists', () => {
  const client = clientOf('shops', 'a')
  const told = { ...client, spec: { ...client.spec, backchannelLogoutUri: 'https://shop.example.com/logout' } }
  const observed = { clients: [], isMissing: () => true, file: fileWith(told) }
  const urisWith = (...receivers: { host: string }[]) => {
    const oidc = { ...owner.spec.oidc, backchannelLogout: { receivers } }
    const { kept } = publishedClients({ ...owner, spec: { ...owner.spec, oidc } }, observed)
    return kept.map(({ backchannelLogoutUri }) => backchannelLogoutUri)
  }
  expect(urisWith({ host: 'shop.example.com' })).toEqual(['https://shop.example.com/logout'])
  expect(urisWith({ host: 'other.example.com' })).toEqual([undefined])
})

test('what a status has beside hashes does not make the file of all clients invalid', () => {
  const clients = [
    clientOf('shops', 'a', [hash, 'broken']),
    clientOf('shops', 'b', ['broken']),
    clientOf('shops', 'c', [hash, '2'.repeat(64), '3'.repeat(64)]),
  ]
  const { entries } = publishedClients(owner, { clients, isMissing: () => false, file: undefined })
  expect(idsOf(entries)).toEqual(['shops.a', 'shops.c'])
  expect(parseOidcClients(clientsFileOf(entries).content).kind).toBe('valid')
})

test('an AuthService is reconciled only if its servers should have something else of a client', () => {
  const client = clientOf('shops', 'a')
  const touched = {
    ...client,
    metadata: {
      ...client.metadata,
      resourceVersion: '2',
      annotations: { 'auth-operator.dev/rotate-secret': 'monday' },
    },
    status: { ...client.status, observedGeneration: 2 },
  }
  const moved = { ...client, spec: { ...client.spec, authServiceRef: { name: 'others', namespace: 'auth' } } }
  const deleted = { ...client, metadata: { ...client.metadata, deletionTimestamp: '2026-12-01T12:00:00Z' } }
  const stranger = clientOf('others', 'a')
  expect(isNewsFor(owner, { before: client, after: touched })).toBe(false)
  expect(isNewsFor(owner, { before: undefined, after: stranger }), 'not admitted').toBe(false)
  expect(isNewsFor(owner, { before: undefined, after: clientOf('shops', 'a', []) }), 'no secret yet').toBe(false)
  expect(isNewsFor(owner, { before: undefined, after: client })).toBe(true)
  expect(isNewsFor(owner, { before: client, after: clientOf('shops', 'a', ['2'.repeat(64)]) })).toBe(true)
  expect(isNewsFor(owner, { before: client, after: moved })).toBe(true)
  expect(isNewsFor(owner, { before: client, after: deleted })).toBe(true)
  expect(isNewsFor(owner, { before: deleted, after: undefined })).toBe(false)
})
