import { expect, test } from 'vitest'
import { type EdgeObservation, type EdgePod, missingReload } from './edge-configuration.ts'

const running = (name: string, content: string, other: Partial<EdgePod> = {}): EdgePod => ({
  name,
  restarts: 1,
  report: { content, refused: '', problem: '' },
  ...other,
})
const before: EdgeObservation = { written: 'old', pods: [running('a', 'old'), running('b', 'old')] }

test('a reload is complete when every pod runs the configuration, in any order', () => {
  expect(missingReload(before, { written: 'new', pods: [running('b', 'new'), running('a', 'new')] })).toBeUndefined()
})

test('until then it names what is missing', () => {
  expect(missingReload(before, before)).toMatch(/operator to write/)
  const pods = [running('a', 'new'), running('b', 'old')]
  expect(missingReload(before, { written: 'new', pods })).toBe('b to load the configuration')
  const silent = [running('a', 'new', { report: undefined }), running('b', 'new')]
  expect(missingReload(before, { written: 'new', pods: silent })).toBe('a to load the configuration')
})

test.each([
  [[running('a', 'new'), running('c', 'new')], /replaced: a, b by a, c/],
  [[running('a', 'new')], /replaced/],
  [[running('a', 'new'), running('b', 'new', { restarts: 2 })], /b has restarted 1 times/],
  [
    [running('a', 'new'), running('b', 'old', { report: { content: 'old', refused: 'new', problem: 'a typo' } })],
    /b refuses the configuration: a typo/,
  ],
])('anything but a reload is an error: %j', (pods, message) => {
  expect(() => missingReload(before, { written: 'new', pods })).toThrow(message)
})
