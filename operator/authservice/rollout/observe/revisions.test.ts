import { describe, expect, test } from 'vitest'
import { keepRevisions, type StoredRevision, storedRevisions } from './revisions.ts'

const template = { metadata: { labels: {} }, spec: {} }
const stored = (name: string, revision: number): StoredRevision => ({
  apiVersion: 'apps/v1',
  kind: 'ControllerRevision',
  metadata: { name: `accounts-${name}` },
  revision,
  data: { template, image: 'example.com/api-server:1' },
})
const wanted = { revision: 'bbb', template, image: 'example.com/api-server:2' }
const numbers = (kept: { revision: string; number: number }[]) =>
  kept.map(({ revision, number }) => `${revision}: ${number}`)

describe('the number of a revision', () => {
  test('counts up', () => {
    const known = storedRevisions([stored('aaa', 7)], 'accounts')
    expect(numbers(keepRevisions(known, { wanted, others: [] }, 5))).toEqual(['aaa: 7', 'bbb: 8'])
  })

  test.each([0, 1, 99])('is the one in status, even if the stored one was edited to %i', (edited) => {
    const recorded = [
      { name: 'aaa', number: 2 },
      { name: 'bbb', number: 3 },
    ]
    const known = storedRevisions([stored('aaa', 2), stored('bbb', edited)], 'accounts', recorded)
    expect(numbers(keepRevisions(known, { wanted, others: [] }, 5))).toEqual(['aaa: 2', 'bbb: 3'])
  })

  test('is at least 1, the minimum in status, if status has none and it was removed', () => {
    const known = storedRevisions([stored('bbb', 0)], 'accounts')
    expect(numbers(keepRevisions(known, { wanted, others: [] }, 5))).toEqual(['bbb: 1'])
  })
})
