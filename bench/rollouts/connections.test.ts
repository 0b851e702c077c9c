import { expect, test } from 'vitest'
import { type Answer, type Connection, pooled } from './connections.ts'

const call = { method: 'GET', path: '/', headers: {}, body: null } as const

/** Connections that record what they are sent and answer on demand. */
function connectionsUnderTest(count: number) {
  const sent: number[] = []
  const answers: (() => void)[] = []
  const connections = Array.from({ length: count }, (_, index): Connection => {
    const send = () => {
      sent.push(index)
      return new Promise<Answer>((resolve) => {
        answers.push(() => resolve({ status: 200, text: '', badVersion: undefined }))
      })
    }
    return { send, close: async () => {} }
  })
  return { connections, sent, answers }
}

test('a request does not wait for a slow one while a connection is idle', async () => {
  const { connections, sent, answers } = connectionsUnderTest(3)
  const pool = pooled(connections)
  const first = pool.send(call)
  const second = pool.send(call)
  answers[1]?.()
  await second
  const later = [pool.send(call), pool.send(call)]
  expect(sent).toEqual([0, 1, 2, 1])
  for (const answer of answers) answer()
  await Promise.all([first, ...later])
})

test('connections are used in turn, so that none stays idle for long', async () => {
  const { connections, sent, answers } = connectionsUnderTest(3)
  const pool = pooled(connections)
  for (let count = 0; count < 5; count++) {
    const request = pool.send(call)
    answers[count]?.()
    await request
  }
  expect(sent).toEqual([0, 1, 2, 0, 1])
})
