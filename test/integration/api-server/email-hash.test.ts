import { MongoClient } from 'mongodb'
import { expect, inject, test } from 'vitest'
import {
  EmailHash,
  emailHashKeyOf,
  type Setting,
  sharedEmailHashKey,
} from '../../../api-server/plugins/app/observability/email-hash.ts'
import { freshDatabase } from './app-for-test.ts'

const never = new AbortController().signal

test('servers that start at the same time, and later ones, hash an email to the same value', async () => {
  await using client = new MongoClient(inject('mongoUrl'))
  const settings = client.db(freshDatabase()).collection<Setting>('settings')
  const look = () => sharedEmailHashKey(settings, { signal: never, betweenMilliseconds: 10 })
  const keys = [...(await Promise.all(Array.from({ length: 20 }, look))), await look()]
  const hashes = new Set(keys.map((key) => new EmailHash(key).of('User@Example.com')))
  expect([...hashes]).toEqual([expect.stringMatching(/^[\w-]{16}$/)])
})

test('a hash ignores the case of the email, and is useless without the key', () => {
  const hash = new EmailHash(emailHashKeyOf('a secret'))
  expect(hash.of('USER@example.com')).toBe(hash.of('user@example.com'))
  expect(hash.of('other@example.com')).not.toBe(hash.of('user@example.com'))
  expect(new EmailHash(emailHashKeyOf('another secret')).of('user@example.com')).not.toBe(hash.of('user@example.com'))
  expect(new EmailHash().of('user@example.com')).toBeUndefined()
})

test('a server that is stopped while the database is unavailable stops waiting for the key', async () => {
  await using client = new MongoClient('mongodb://127.0.0.1:1', { serverSelectionTimeoutMS: 50 })
  const closing = new AbortController()
  const waiting = sharedEmailHashKey(client.db('x').collection<Setting>('settings'), { signal: closing.signal })
  closing.abort()
  expect(await waiting).toBeUndefined()
})
