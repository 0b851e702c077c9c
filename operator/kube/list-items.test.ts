import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readListItems } from './list-items.ts'

async function* inChunks(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, next = 0; at < bytes.length; next++) {
    const size = sizes[next % sizes.length] ?? 1
    yield bytes.subarray(at, at + size)
    at += size
  }
}

async function read(text: string, sizes: readonly number[]) {
  const items: unknown[] = []
  const list = await readListItems(inChunks(Buffer.from(text), sizes), (json) => items.push(JSON.parse(json)))
  return { items, list }
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 })
const objects = fc.array(fc.dictionary(fc.string(), fc.jsonValue()))
const spaces = fc.constantFrom(undefined, 2)

test('every item of a list is extracted, whatever it contains and wherever the network splits it, and so is the rest of the list', async () => {
  await fc.assert(
    fc.asyncProperty(
      objects,
      fc.jsonValue(),
      spaces,
      fc.boolean(),
      sizes,
      async (items, extra, space, isLast, cuts) => {
        const metadata = { resourceVersion: '7', continue: 'next "items":[{', extra, items: [extra] }
        // In lists of built-in kinds, the items are last; in lists of custom resources, they are in the middle.
        const list = isLast ? { kind: 'List', metadata, items } : { apiVersion: 'v1', items, kind: 'List', metadata }
        const text = JSON.stringify(list, undefined, space)
        const { items: _, ...rest } = JSON.parse(text)
        expect(await read(text, cuts)).toEqual({ items: JSON.parse(text).items, list: { ...rest, items: [] } })
      },
    ),
  )
})

test('a truncated list is an error, not a short list', async () => {
  const text = JSON.stringify({ kind: 'List', metadata: { resourceVersion: '7' }, items: [{ a: 1 }, { b: 2 }] })
  for (let length = 0; length < text.length; length++) {
    await expect(read(text.slice(0, length), [5])).rejects.toThrow(SyntaxError)
  }
})

test('a list without items, in the form in which Go writes an empty one, is empty', async () => {
  const { items, list } = await read('{"kind":"List","items":null,"metadata":{"resourceVersion":"7"}}\n', [3])
  expect(items).toEqual([])
  expect(list).toMatchObject({ metadata: { resourceVersion: '7' } })
})
