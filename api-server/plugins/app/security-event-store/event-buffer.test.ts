import { expect, onTestFinished, test, vi } from 'vitest'
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

test('one batch is written at a time, however long it takes, and a flush waits for it', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const writes: { entries: number[]; end: () => void }[] = []
  const buffer = new EventBuffer<number>({
    most: 5,
    batch: 2,
    everyMilliseconds: 250,
    write: (entries) => new Promise((end) => writes.push({ entries, end })),
    onDropped: () => {},
    onFailure: () => {},
  })
  const written = () => writes.map(({ entries }) => entries)
  buffer.add(1)
  await vi.advanceTimersByTimeAsync(250)
  buffer.add(2)
  await vi.advanceTimersByTimeAsync(250)
  expect(written()).toEqual([[1]])

  let isFlushed = false
  const flushed = buffer.flush().then(() => {
    isFlushed = true
  })
  writes[0]?.end()
  await vi.waitFor(() => expect(written()).toEqual([[1], [2]]))
  expect(isFlushed).toBe(false)
  writes[1]?.end()
  await flushed
})
