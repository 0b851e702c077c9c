import { fileRevision } from '@authservice-operator/contract/file-revision.ts'
import { expect, test } from 'vitest'
import { clientsFileOf } from '../authservice/secrets/oidc-clients.ts'
import type { AuthClient } from './api/schema.ts'
import { entryOf } from './client-entry.ts'
import { type PublicationChanges, Publications } from './publications.ts'

const key = 'auth/accounts'
const early = new Date('2026-12-01T12:00:00Z')
const late = new Date('2026-12-01T13:00:00Z')
const entry = (name: string, ...hashes: string[]) => {
  const client = { metadata: { name, namespace: 'shops' }, spec: { redirectUris: ['https://a.example.com/'] } }
  // Nothing else of an AuthClient is read.
  return entryOf(client as unknown as AuthClient, hashes)
}
const [one, two] = ['1'.repeat(64), '2'.repeat(64)]
const observed = (...clients: ReturnType<typeof entry>[]) => ({
  file: clientsFileOf(clients).content,
  refused: [],
  servers: [],
})

/** IDs of all clients that have changed. */
const idsOf = ({ published, loaded }: PublicationChanges) => [...published, ...loaded]

test('clients are told what has changed about them', () => {
  const publications = new Publications()
  const changed = (...of: [ReturnType<typeof observed>, Date]) => publications.observe(key, ...of).published
  expect(publications.of(key, 'shops.a')).toEqual({ kind: 'unknown' })
  expect(changed(observed(entry('a', one), entry('b', one)), early)).toEqual(['shops.a', 'shops.b'])
  expect(changed(observed(entry('a', one), entry('b', one)), late)).toEqual([])
  expect(changed(observed(entry('a', one, two)), late)).toEqual(['shops.a', 'shops.b'])
  expect(publications.of(key, 'shops.a')).toMatchObject({ kind: 'published', since: late, servers: 0 })
  expect(publications.of(key, 'shops.b')).toEqual({ kind: 'absent' })
  publications.forget(key)
  expect(publications.of(key, 'shops.a')).toEqual({ kind: 'unknown' })
})

test('a client is told which ready servers report a file without its latest change', () => {
  const publications = new Publications()
  const files = [[entry('a', one)], [entry('a', one), entry('b', one)], [entry('a', one, two), entry('b', one)]]
  const revisions = files.map((clients) => fileRevision(observed(...clients).file))
  /** What `observe` returns, and the pods without each client. */
  const see = (file: number, ...loaded: (number | string | null | undefined)[]) => {
    const servers = loaded.map((index, pod) => {
      const revision = typeof index === 'number' ? revisions[index] : index
      return { pod: `pod-${pod}`, revision }
    })
    const news = idsOf(publications.observe(key, { ...observed(...(files[file] ?? [])), servers }, early)).toSorted()
    const without = ['shops.a', 'shops.b'].map((id) => {
      const publication = publications.of(key, id)
      return publication.kind === 'published' ? publication.without.join() : publication.kind
    })
    return { news, without }
  }
  expect(see(0, 'an unknown file', null)).toEqual({ news: ['shops.a'], without: ['pod-0,pod-1', 'absent'] })
  expect(see(0, 0, 0)).toEqual({ news: ['shops.a'], without: ['', 'absent'] })
  expect(see(1, 0, 0)).toEqual({ news: ['shops.b'], without: ['', 'pod-0,pod-1'] })
  expect(see(2, 1, 0), 'b came with the previous file').toEqual({
    news: ['shops.a', 'shops.b'],
    without: ['pod-0,pod-1', 'pod-1'],
  })
  expect(see(2, 2, 1)).toEqual({ news: ['shops.a', 'shops.b'], without: ['pod-1', ''] })
  expect(see(1, 2, 1), 'an earlier file returns').toEqual({ news: ['shops.a'], without: ['pod-0', ''] })
  expect(publications.of(key, 'shops.a')).toMatchObject({ isUnreported: false, servers: 2 })
  see(1, undefined, 1)
  expect(publications.of(key, 'shops.a')).toMatchObject({ isUnreported: true, without: [] })
})

test('servers that start or stop are told apart from changes of clients', () => {
  const publications = new Publications()
  const file = observed(entry('a', one), entry('b', one))
  const see = (...servers: string[]) => {
    const revision = fileRevision(file.file)
    return publications.observe(key, { ...file, servers: servers.map((pod) => ({ pod, revision })) }, early)
  }
  expect(see('pod-0')).toEqual({ published: ['shops.a', 'shops.b'], loaded: [] })
  expect(see('pod-0', 'pod-1')).toEqual({ published: [], loaded: ['shops.a', 'shops.b'] })
})

test('a client that the file has no room for is told so, and when there is room again', () => {
  const publications = new Publications()
  const { file } = observed(entry('a', one))
  expect(idsOf(publications.observe(key, { file, refused: ['shops.b'], servers: [] }, early))).toEqual([
    'shops.a',
    'shops.b',
  ])
  expect(publications.of(key, 'shops.b')).toEqual({ kind: 'refused' })
  expect(idsOf(publications.observe(key, { file, refused: [], servers: [] }, late))).toEqual(['shops.b'])
})

test('a file that others have broken has no clients', () => {
  const publications = new Publications()
  publications.observe(key, observed(entry('a', one)), early)
  expect(idsOf(publications.observe(key, { file: '{', refused: [], servers: [] }, late))).toEqual(['shops.a'])
})
