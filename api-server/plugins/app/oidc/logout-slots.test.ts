import { expect, test } from 'vitest'
import { clientsToWait, maxRequests } from './logout-slots.ts'

test('a client has two requests at most', () => {
  expect(clientsToWait(['a', 'b', 'a'], new Set())).toEqual(['a'])
})

test('clients that fail have half of the requests, however many they are', () => {
  const failing = new Set(Array.from({ length: 20 }, (_, index) => `failing-${index}`))
  const sending: string[] = []
  const next = () => [...failing].find((client) => !clientsToWait(sending, failing).includes(client))
  for (let client = next(); client !== undefined; client = next()) sending.push(client)
  expect(sending).toHaveLength(maxRequests / 2)
  expect(clientsToWait(sending, failing)).not.toContain('works')
})

test('a client that worked until now does not wait for those that fail', () => {
  expect(clientsToWait(['a', 'b', 'c', 'd', 'e'], new Set(['a', 'b', 'c', 'd', 'e', 'f'])).sort()).toEqual([
    'a',
    'b',
    'c',
    'd',
    'e',
    'f',
  ])
  expect(clientsToWait(['a', 'b', 'c', 'd'], new Set(['a', 'b', 'c', 'd', 'e', 'f']))).toEqual([])
})
