import { createHash } from 'node:crypto'
import { clientListPattern } from '@authservice-operator/contract/oauth-clients.ts'
import { expect, test } from 'vitest'
import { parseClients } from '../../../config/oauth-clients.ts'
import { credentialsOf, isClient } from './oauth-client.ts'

const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex')
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

test('a client is known by each of its secrets and by no other, nor by that of another client', () => {
  const list = `gateway:${hashOf('old')}\ngateway:${hashOf('new')}, jobs:${hashOf('third')}`
  expect(list).toMatch(new RegExp(clientListPattern))
  const clients = parseClients(list)
  expect(isClient(clients, { id: 'gateway', secret: 'old' })).toBe(true)
  expect(isClient(clients, { id: 'gateway', secret: 'new' })).toBe(true)
  expect(isClient(clients, { id: 'jobs', secret: 'third' })).toBe(true)
  expect(isClient(clients, { id: 'jobs', secret: 'new' })).toBe(false)
  expect(isClient(clients, { id: 'nobody', secret: 'new' })).toBe(false)
  expect(isClient(clients, { id: 'gateway', secret: '' })).toBe(false)
  expect(isClient([], { id: 'gateway', secret: 'new' })).toBe(false)
})

test('credentials come by Basic, form-encoded as RFC 6749 wants it, or in the body, and never both ways', () => {
  expect(credentialsOf(basic('a%3Ab:s%2B+%25'), {})).toEqual({ id: 'a:b', secret: 's+ %' })
  expect(credentialsOf(basic('a:with:colons'), undefined)).toEqual({ id: 'a', secret: 'with:colons' })
  expect(credentialsOf(undefined, { client_id: 'a', client_secret: 's' })).toEqual({ id: 'a', secret: 's' })
  expect(credentialsOf(basic('a:s'), { client_id: 'a', client_secret: 's' })).toBe('twice')
})

test.each([
  ['Bearer abc', 'malformed'],
  ['Basic', 'malformed'],
  ['Basic !', 'malformed'],
  [basic('no colon'), 'malformed'],
  [basic('a:%zz'), 'malformed'],
  [undefined, 'none'],
])('%s is no credentials', (authorization, fault) => {
  expect(credentialsOf(authorization, { client_id: 'a', client_secret: ['s', 't'] })).toBe(fault)
})
