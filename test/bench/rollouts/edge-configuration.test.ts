import { expect, test } from 'vitest'
import { type EdgePod, type EdgeSeen, waitsForReload } from './edge-configuration.ts'

const running = (name: string, content: string, other: Partial<EdgePod> = {}): EdgePod => ({
  name,
  restarts: 1,
  report: { content, refused: '', problem: '' },
  ...other,
})
const before: EdgeSeen = { written: 'old', pods: [running('a', 'old'), running('b', 'old')] }

test('a configuration is taken up when every pod runs it, in whatever order they are told', () => {
  expect(waitsForReload(before, { written: 'new', pods: [running('b', 'new'), running('a', 'new')] })).toBeUndefined()
})

test('until then it says what is waited for', () => {
  expect(waitsForReload(before, before)).toMatch(/operator to write/)
  const pods = [running('a', 'new'), running('b', 'old')]
  expect(waitsForReload(before, { written: 'new', pods })).toBe('b to load the configuration')
  const silent = [running('a', 'new', { report: undefined }), running('b', 'new')]
  expect(waitsForReload(before, { written: 'new', pods: silent })).toBe('a to load the configuration')
})

test.each([
  [[running('a', 'new'), running('c', 'new')], /replaced: there were a, b, there are a, c/],
  [[running('a', 'new')], /replaced/],
  [[running('a', 'new'), running('b', 'new', { restarts: 2 })], /b was started again, times: 1/],
  [
    [running('a', 'new'), running('b', 'old', { report: { content: 'old', refused: 'new', problem: 'a typo' } })],
    /b refuses it: a typo/,
  ],
])('what is no reload is an error: %j', (pods, message) => {
  expect(() => waitsForReload(before, { written: 'new', pods })).toThrow(message)
})
