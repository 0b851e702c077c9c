import { expect, test } from 'vitest'
import { EventBuffer } from './event-buffer.ts'

function bufferOf({ most = 5, batch = 2 } = {}) {
  const state = { isBroken: false, written: [] as number[][], dropped: 0, failures: 0 }
  const buffer = new EventBuffer<number>({
    most,
    batch,
    everyMilliseconds: 3_600_000,
    write: async (entries) => {
      if (state.isBroken) throw new Error('the database is unavailable')
      state.written.push(entries)
    },
    onDropped: (count) => {
      state.dropped += count
    },
    onFailure: () => {
      state.failures++
    },
  })
  return { buffer, state }
}

test('entries are written in batches, in their order', async () => {
  const { buffer, state } = bufferOf()
  for (const entry of [1, 2, 3, 4, 5]) buffer.add(entry)
  await buffer.flush()
  expect(state.written).toEqual([[1, 2], [3, 4], [5]])
})

test('while they cannot be written the newest are kept, and the rest is counted', async () => {
  const { buffer, state } = bufferOf()
  state.isBroken = true
  for (const entry of [1, 2, 3, 4]) buffer.add(entry)
  await buffer.flush()
  for (const entry of [5, 6, 7]) buffer.add(entry)
  await buffer.flush()
  expect(state).toMatchObject({ dropped: 2, failures: 1, written: [] })
  state.isBroken = false
  await buffer.flush()
  expect(state.written.flat()).toEqual([3, 4, 5, 6, 7])
})
