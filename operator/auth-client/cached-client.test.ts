import { expect, test } from 'vitest'
import { resolveSpec } from '../authservice/api/defaults.ts'
import { refusalOf } from './admission.ts'
import type { AuthClient } from './api/schema.ts'
import { withNeededOnly } from './cached-client.ts'

const clientOf = (spec: object = {}): AuthClient => ({
  apiVersion: 'auth-operator.dev/v1alpha1',
  kind: 'AuthClient',
  metadata: { name: 'shop', namespace: 'shops', uid: 'u-1', generation: 1, resourceVersion: '7' },
  spec: { authServiceRef: { name: 'accounts' }, redirectUris: ['https://shop.example.com/'], ...spec },
})
const lengthOf = (kept: unknown) => JSON.stringify(kept).length
const metadata = { name: 'accounts', namespace: 'shops' }
const provider = resolveSpec({ metadata, spec: { mongodb: {}, redis: {}, oidc: { enabled: true } } })

test('labels and annotations of others are not kept', () => {
  const client = clientOf()
  const rotation = { 'auth-operator.dev/rotate-secret': 'monday' }
  const annotations = { 'example.com/note': 'v'.repeat(250_000), ...rotation }
  const received = { ...client, metadata: { ...client.metadata, labels: { team: 'a' }, annotations } }
  const kept = { ...client, metadata: { ...client.metadata, annotations: rotation } }
  expect(withNeededOnly(received)).toStrictEqual(kept)
  const long = { ...client.metadata, annotations: { 'auth-operator.dev/rotate-secret': 'v'.repeat(250_000) } }
  expect(lengthOf(withNeededOnly({ ...client, metadata: long }))).toBeLessThan(1_000)
})

test('a spec that is too long is not kept, and the client is told so', () => {
  const uris = Array.from({ length: 20 }, (_, index) => `https://shop.example.com/${index}${'a'.repeat(450)}`)
  const short = withNeededOnly(clientOf({ redirectUris: uris.slice(0, 10) }))
  expect(refusalOf(short, provider)).toBeUndefined()
  const long = withNeededOnly(clientOf({ redirectUris: uris }))
  expect(lengthOf(long)).toBeLessThan(1_000)
  expect(refusalOf(long, provider)).toEqual({
    reason: 'Invalid',
    message: 'Correct the spec: it has more than 8192 bytes as JSON. Remove or shorten URIs and keys.',
  })
})

test('a status that is longer than any that the operator writes is not kept', () => {
  const hashes = { secretHashes: ['0'.repeat(64)] }
  expect(withNeededOnly({ ...clientOf(), status: hashes }).status).toEqual(hashes)
  const status = { issuer: 'v'.repeat(250_000) }
  expect(withNeededOnly({ ...clientOf(), status })).not.toHaveProperty('status')
})
