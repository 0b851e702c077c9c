import { expect, test } from 'vitest'
import { HashQueue, QueueFullError } from './hash-queue.ts'

/** Work that ends when it is told to. */
function controlled(queue: HashQueue) {
  const ends: (() => void)[] = []
  let most = 0
  let running = 0
  const start = (name: string) =>
    queue.run(async () => {
      most = Math.max(most, ++running)
      await new Promise<void>((resolve) => ends.push(resolve))
      running--
      return name
    })
  return { start, ends, most: () => most }
}

test('no more run than the cap, those who wait go on in their order, and one too many is refused at once', async () => {
  const queue = new HashQueue({ inFlight: 2, waiting: 2 })
  const { start, ends, most } = controlled(queue)
  const finished: string[] = []
  const all = ['a', 'b', 'c', 'd'].map((name) => start(name).then((done) => finished.push(done)))
  await expect(start('e')).rejects.toThrow(QueueFullError)
  expect([ends.length, queue.waiting]).toEqual([2, 2])
  for (let index = 0; index < 4; index++) {
    await expect.poll(() => ends.length).toBeGreaterThan(index)
    ends[index]?.()
  }
  await Promise.all(all)
  expect(finished).toEqual(['a', 'b', 'c', 'd'])
  expect(most()).toBe(2)
})

test('work that fails gives its place on', async () => {
  const queue = new HashQueue({ inFlight: 1, waiting: 1 })
  const failing = queue.run(() => Promise.reject(new Error('broken')))
  const next = queue.run(async () => 'went on')
  await expect(failing).rejects.toThrow('broken')
  expect(await next).toBe('went on')
  expect(await queue.run(async () => 'and on')).toBe('and on')
})
