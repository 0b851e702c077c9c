import { Binary, UUID } from 'mongodb'
import { expect, test, vi } from 'vitest'
import { OrphanedTransactions } from './orphaned-transactions.ts'

function session() {
  return { id: new Binary(new UUID().buffer, Binary.SUBTYPE_UUID) }
}

test('while the server is unavailable they wait, and after recovery they are ended twice', async () => {
  const kill = vi.fn(async () => {})
  const onFailure = vi.fn()
  const left = new OrphanedTransactions({ kill, isUp: () => false, onFailure, againMilliseconds: 1 })
  const [one, other] = [session(), session()]
  await left.add(one)
  await left.add(other)
  expect(kill).not.toHaveBeenCalled()

  await left.end()
  expect(kill.mock.calls).toEqual([[[one, other]], [[one, other]]])
  await left.end()
  expect(kill).toHaveBeenCalledTimes(2)
  expect(onFailure).not.toHaveBeenCalled()
})

test('one of a server that answers is ended at once', async () => {
  const kill = vi.fn(async () => {})
  const left = new OrphanedTransactions({ kill, isUp: () => true, onFailure: () => {}, againMilliseconds: 1 })
  await left.add(session())
  expect(kill).toHaveBeenCalledTimes(2)
})

test('a failure is reported, and retried the next time', async () => {
  const error = new Error('unavailable again')
  const kill = vi.fn(async () => {}).mockRejectedValueOnce(error)
  const onFailure = vi.fn()
  const left = new OrphanedTransactions({ kill, isUp: () => true, onFailure, againMilliseconds: 1 })
  const one = session()
  await left.add(one)
  expect(onFailure).toHaveBeenCalledExactlyOnceWith(error)

  await left.end()
  expect(kill.mock.calls).toEqual([[[one]], [[one]], [[one]]])
})
