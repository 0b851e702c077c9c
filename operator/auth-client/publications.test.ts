import { expect, test } from 'vitest'
import { clientsFileOf } from '../authservice/secrets/oidc-clients.ts'
import type { AuthClient } from './api/schema.ts'
import { entryOf } from './client-entry.ts'
import { Publications } from './publications.ts'

const key = 'auth/accounts'
const early = new Date('2026-12-01T12:00:00Z')
const late = new Date('2026-12-01T13:00:00Z')
const entry = (name: string, ...hashes: string[]) => {
  const client = { metadata: { name, namespace: 'shops' }, spec: { redirectUris: ['https://a.example.com/'] } }
  // Nothing else of an AuthClient is read.
  return entryOf(client as unknown as AuthClient, hashes)
}
const [one, two] = ['1'.repeat(64), '2'.repeat(64)]
const observed = (...clients: ReturnType<typeof entry>[]) => ({ file: clientsFileOf(clients).content, refused: [] })

test('clients are told what has changed about them, and since when servers have each of their secrets', () => {
  const publications = new Publications()
  expect(publications.of(key, 'shops.a')).toEqual({ kind: 'unknown' })
  expect(publications.observe(key, observed(entry('a', one), entry('b', one)), early)).toEqual(['shops.a', 'shops.b'])
  expect(publications.observe(key, observed(entry('a', one), entry('b', one)), late)).toEqual([])
  expect(publications.observe(key, observed(entry('a', one, two)), late)).toEqual(['shops.a', 'shops.b'])
  expect(publications.of(key, 'shops.a')).toMatchObject({
    kind: 'published',
    since: early,
    secrets: new Map([
      [one, early],
      [two, late],
    ]),
  })
  expect(publications.of(key, 'shops.b')).toEqual({ kind: 'absent' })
  publications.forget(key)
  expect(publications.of(key, 'shops.a')).toEqual({ kind: 'unknown' })
})

test('a client that the file has no room for is told so, and when there is room again', () => {
  const publications = new Publications()
  const { file } = observed(entry('a', one))
  expect(publications.observe(key, { file, refused: ['shops.b'] }, early)).toEqual(['shops.a', 'shops.b'])
  expect(publications.of(key, 'shops.b')).toEqual({ kind: 'refused' })
  expect(publications.observe(key, { file, refused: [] }, late)).toEqual(['shops.b'])
})

test('a file that others have broken has no clients', () => {
  const publications = new Publications()
  publications.observe(key, observed(entry('a', one)), early)
  expect(publications.observe(key, { file: '{', refused: [] }, late)).toEqual(['shops.a'])
})
