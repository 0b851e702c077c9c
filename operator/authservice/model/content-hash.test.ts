import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonical, contentHash } from './content-hash.ts'

test('the order of keys does not matter, and an undefined field counts as omitted', () => {
  expect(contentHash({ a: 1, b: [{ c: undefined, d: 'x' }] })).toBe(contentHash({ b: [{ d: 'x' }], a: 1 }))
  expect(contentHash({ a: [1, 2] })).not.toBe(contentHash({ a: [2, 1] }))
})

test('a hash is the same in every version of the operator: otherwise, every child would be written again', () => {
  expect(
    contentHash({ kind: 'ConfigMap', data: { b: 'ü"\n', a: '', 10: 'ten', 9: 'nine' }, list: [null, true, -0.5] }),
  ).toBe('562eb9e5c7b64518')
})

test('property: the canonical form is JSON of the same content', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(canonical(value))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})
