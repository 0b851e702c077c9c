import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ObjectPacker, unpack } from './shared-text.ts'

const word = fc.stringMatching(/^[a-z0-9-]{1,5}$/)
const object = fc.record({ metadata: fc.dictionary(fc.string(), fc.jsonValue()), spec: fc.jsonValue() })

test('every object comes back as it was, whatever words tell it from others', () => {
  fc.assert(
    fc.property(object, fc.tuple(word, word, word), (packed, words) => {
      const restored = JSON.parse(unpack(new ObjectPacker().pack(packed, words), words))
      expect(restored).toEqual(JSON.parse(JSON.stringify(packed)))
    }),
  )
})

const service = (name: string) => ({
  metadata: { name, uid: `uid of ${name}`, labels: { instance: name } },
  spec: { selector: { instance: name }, ports: [{ port: 80 }] },
})

test('what two objects have in common but for their names is kept once, and no longer than they are', () => {
  const packer = new ObjectPacker()
  const [one, other] = ['accounts', 'payments'].map((name) => packer.pack(service(name), [name]))
  if (one === undefined || other === undefined) throw new Error('two were packed')
  expect(packer.sharedTexts).toBe(2)
  packer.release(one)
  expect(packer.sharedTexts).toBe(2)
  packer.release(other)
  expect(packer.sharedTexts).toBe(0)
})
