import fc from 'fast-check'
import { expect, test } from 'vitest'
import { linesOf } from './lines.ts'

async function* inChunks(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, next = 0; at < bytes.length; next++) {
    const size = sizes[next % sizes.length] ?? 1
    yield bytes.subarray(at, at + size)
    at += size
  }
}

async function all(lines: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = []
  for await (const line of lines) found.push(line)
  return found
}

test('lines are complete, wherever the network splits them', async () => {
  const line = fc.string({ unit: 'binary', minLength: 1 }).map((text) => text.toWellFormed().replaceAll('\n', ' '))
  await fc.assert(
    fc.asyncProperty(
      fc.array(line),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      async (lines, sizes) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''))
        expect(await all(linesOf(inChunks(bytes, sizes)))).toEqual(lines)
      },
    ),
  )
})

test('an incomplete last line is dropped', async () => {
  expect(await all(linesOf(inChunks(Buffer.from('{"a":1}\n\n{"b"'), [4])))).toEqual(['{"a":1}'])
})
