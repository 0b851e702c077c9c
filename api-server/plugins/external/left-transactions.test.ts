import { Binary, UUID } from 'mongodb'
import { expect, test, vi } from 'vitest'
import { LeftTransactions } from './left-transactions.ts'

function session() {
  return { id: new Binary(new UUID().buffer, Binary.SUBTYPE_UUID) }
}

test('while the server is away they wait, and are ended twice when it is back', async () => {
  const kill = vi.fn(async () => {})
  const onFailure = vi.fn()
  const left = new LeftTransactions({ kill, isUp: () => false, onFailure, againMilliseconds: 1 })
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
  const left = new LeftTransactions({ kill, isUp: () => true, onFailure: () => {}, againMilliseconds: 1 })
  await left.add(session())
  expect(kill).toHaveBeenCalledTimes(2)
})

test('what fails is told, and done the next time', async () => {
  const error = new Error('away again')
  const kill = vi.fn(async () => {}).mockRejectedValueOnce(error)
  const onFailure = vi.fn()
  const left = new LeftTransactions({ kill, isUp: () => true, onFailure, againMilliseconds: 1 })
  const one = session()
  await left.add(one)
  expect(onFailure).toHaveBeenCalledExactlyOnceWith(error)

  await left.end()
  expect(kill.mock.calls).toEqual([[[one]], [[one]], [[one]]])
})
