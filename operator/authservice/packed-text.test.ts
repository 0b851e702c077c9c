import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TextPacker, unpack } from './packed-text.ts'

test('every text comes back as it was, whatever it was compared with', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.string({ unit: 'binary', maxLength: 300 }), fc.constantFrom('a', 'b'))),
      (texts) => {
        const packer = new TextPacker()
        const packed = texts.map(([text, likeness]) => packer.pack(text, likeness, () => text))
        expect(packed.map(unpack)).toEqual(texts.map(([text]) => text.toWellFormed()))
      },
    ),
  )
})

test('a text that is much like another one takes a tenth of itself', () => {
  const fields = Array.from({ length: 100 }, (_, index) => `field-${(index * 7919) % 1009}`)
  const text = (name: string) => JSON.stringify({ name, fields, selector: { name } })
  const packer = new TextPacker()
  const [first, second] = [text('accounts'), text('payments')]
  packer.pack(first, 'service', () => first)
  expect(packer.pack(second, 'service', () => second).bytes.length).toBeLessThan(second.length / 10)
})

test('kinds of texts without end do not fill the memory with patterns', () => {
  const packer = new TextPacker()
  const patterns = new Set(
    Array.from({ length: 1_000 }, (_, index) => packer.pack('text', `${index}`, () => `text ${index}`).like),
  )
  expect(patterns.size).toBeLessThanOrEqual(201)
})
