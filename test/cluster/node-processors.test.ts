import { expect, test } from 'vitest'
import { parseProcessors, shareProcessors } from './node-processors.ts'

test.each([
  ['0', [0]],
  ['0-3,8', [0, 1, 2, 3, 8]],
])('the kernel writes processors as %s', (list, processors) => {
  expect(parseProcessors(list)).toEqual(processors)
})

test.each(['', 'all', '3-1'])('"%s" is no list of processors', (list) => {
  expect(() => parseProcessors(list)).toThrow(`"${list}" is no list of processors`)
})

const nodes = ['one-control-plane', 'one-worker', 'one-worker2']

test('each node has an equal part of the processors', () => {
  expect([...shareProcessors([0, 1, 4, 5, 6, 7, 8], nodes)]).toEqual([
    ['one-control-plane', [0, 1]],
    ['one-worker', [4, 5]],
    ['one-worker2', [6, 7]],
  ])
})

test('nodes that have to share one take turns', () => {
  expect([...shareProcessors([0, 1], nodes)]).toEqual([
    ['one-control-plane', [0]],
    ['one-worker', [1]],
    ['one-worker2', [0]],
  ])
})

test.each([
  ['a single node', [0, 1], nodes.slice(0, 1)],
  ['a single processor', [0], nodes],
])('%s leaves nothing to share', (_, processors, all) => {
  expect(shareProcessors(processors, all).size).toBe(0)
})
