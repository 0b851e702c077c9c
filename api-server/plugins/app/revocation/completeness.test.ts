import { expect, test } from 'vitest'
import { Completeness } from './completeness.ts'

test('nothing is known before the database was read', () => {
  const completeness = new Completeness()
  completeness.streamOpened(0, true)
  completeness.streamRead(1_000)
  expect(completeness.completeAt).toBe(Number.NEGATIVE_INFINITY)
})

test('a read of the database is complete as of its start', () => {
  const completeness = new Completeness()
  completeness.databaseRead(100)
  expect(completeness.completeAt).toBe(100)
})

test('the stream alone goes on, once the database was read behind its opening', () => {
  const completeness = new Completeness()
  completeness.streamOpened(0, true)
  completeness.databaseRead(100)
  completeness.streamRead(60_000)
  expect(completeness.completeAt).toBe(60_000)
})

test('a stream that goes on where it was broken off has missed nothing', () => {
  const completeness = new Completeness()
  completeness.streamOpened(0, true)
  completeness.databaseRead(100)
  completeness.streamOpened(30_000, false)
  completeness.streamRead(31_000)
  expect(completeness.completeAt).toBe(31_000)
})

test('a stream that has lost entries counts again once the database is read', () => {
  const completeness = new Completeness()
  completeness.streamOpened(0, true)
  completeness.databaseRead(100)
  completeness.streamOpened(5_000, true)
  completeness.streamRead(6_000)
  expect(completeness.completeAt).toBe(100)
  completeness.databaseRead(4_000) // begun before the stream was opened
  completeness.streamRead(7_000)
  expect(completeness.completeAt).toBe(4_000)
  completeness.databaseRead(5_500)
  completeness.streamRead(8_000)
  expect(completeness.completeAt).toBe(8_000)
})
