import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ObjectPacker, unpack } from './shared-text.ts'

const word = fc.stringMatching(/^[a-z0-9-]{1,5}$/)
const object = fc.record({
  metadata: fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('labels', 'ownerReferences')), fc.jsonValue()),
  spec: fc.oneof(fc.jsonValue(), fc.array(fc.oneof(fc.uuid(), fc.ipV4(), fc.stringMatching(/^[0-9a-f]{16}$/)))),
})

test('every object is restored unchanged, whatever words distinguish it from others', () => {
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

test('the parts that two objects share, except for their names, are kept once, and only as long as the objects', () => {
  const packer = new ObjectPacker()
  const [one, other] = ['accounts', 'payments'].map((name) => packer.pack(service(name), [name]))
  if (one === undefined || other === undefined) throw new Error('two were packed')
  expect(packer.sharedTexts).toBe(2)
  packer.release(one)
  expect(packer.sharedTexts).toBe(2)
  packer.release(other)
  expect(packer.sharedTexts).toBe(0)
})

const job = (uid: string, revision: string) => ({
  metadata: { name: 'migrate', uid, labels: { 'controller-uid': uid } },
  spec: { selector: { 'controller-uid': uid }, template: { revision, since: '2026-11-24T10:00:00Z' } },
})

test('generated values in two objects do not prevent the rest from being shared', () => {
  const packer = new ObjectPacker()
  const jobs = [
    job('df0405d3-31b7-4da6-9d2a-db9f7d25bfa0', 'c51df458e2cf28c5'),
    job('ba6f73d1-f55e-456a-88eb-b121d2afdf37', 'b48cacc20108063d'),
  ]
  const packed = jobs.map((one) => packer.pack(one, []))
  expect(packer.sharedTexts).toBe(2)
  expect(packed.map((one) => JSON.parse(unpack(one, [])))).toEqual(jobs)
})

test('an object with many such words is restored unchanged', () => {
  const spec = Array.from({ length: 50 }, (_, index) => `10.0.0.${index}`)
  const packed = new ObjectPacker().pack({ metadata: {}, ...{ spec } }, ['name'])
  expect(JSON.parse(unpack(packed, ['name']))).toEqual({ metadata: {}, spec })
})

const status = (times: readonly string[], keyId: string) => ({
  metadata: { name: 'accounts' },
  status: { conditions: times.map((lastTransitionTime) => ({ lastTransitionTime })), secrets: [{ keyId }] },
})

test('two statuses whose conditions changed at different times are shared except for these times', () => {
  const packer = new ObjectPacker()
  const [first, second] = ['2026-11-24T10:00:00Z', '2026-11-24T10:00:01Z']
  const statuses = [
    status([first, first, second], 'camjupbkM-Rxwv2OqL1026CXkl7iJFC9W1KXer7_1NA'),
    status([first, second, second], 'Zamjupbk1-Rxwv2OqL1026CXkl7iJFC9W1KXer7_1N-'),
  ]
  const packed = statuses.map((one) => packer.pack(one, []))
  // The empty text of the metadata, and the status.
  expect(packer.sharedTexts).toBe(2)
  expect(packed.map((one) => JSON.parse(unpack(one, [])))).toEqual(statuses)
})
