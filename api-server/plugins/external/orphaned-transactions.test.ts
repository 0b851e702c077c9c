import { Binary, UUID } from 'mongodb'
import { expect, test, vi } from 'vitest'
import { OrphanedTransactions } from './orphaned-transactions.ts'

function session() {
  return { id: new Binary(new UUID().buffer, Binary.SUBTYPE_UUID) }
}

test('while the server is unavailable, transactions stay pending; after recovery, they are ended twice', async () => {
  const kill = vi.fn(async () => {})
  const onFailure = vi.fn()
  const transactions = new OrphanedTransactions({ kill, isUp: () => false, onFailure, againMilliseconds: 1 })
  const [one, other] = [session(), session()]
  await transactions.add(one)
  await transactions.add(other)
  expect(kill).not.toHaveBeenCalled()

  await transactions.end()
  expect(kill.mock.calls).toEqual([[[one, other]], [[one, other]]])
  await transactions.end()
  expect(kill).toHaveBeenCalledTimes(2)
  expect(onFailure).not.toHaveBeenCalled()
})

test('a transaction on a server that answers is ended immediately', async () => {
  const kill = vi.fn(async () => {})
  const transactions = new OrphanedTransactions({ kill, isUp: () => true, onFailure: () => {}, againMilliseconds: 1 })
  await transactions.add(session())
  expect(kill).toHaveBeenCalledTimes(2)
})

test('a failure is reported, and retried the next time', async () => {
  const error = new Error('unavailable again')
  const kill = vi.fn(async () => {}).mockRejectedValueOnce(error)
  const onFailure = vi.fn()
  const transactions = new OrphanedTransactions({ kill, isUp: () => true, onFailure, againMilliseconds: 1 })
  const one = session()
  await transactions.add(one)
  expect(onFailure).toHaveBeenCalledExactlyOnceWith(error)

  await transactions.end()
  expect(kill.mock.calls).toEqual([[[one]], [[one]], [[one]]])
})
