import { describe, expect, test } from 'vitest'
import { changesBetween, fieldsOfSpec, outcomeOf, withField } from './effects.ts'
import { fieldExpectations, managed } from './expectations.ts'

describe('a field of a spec', () => {
  test('has an expectation', () => {
    expect(Object.keys(fieldExpectations).sort()).toEqual(fieldsOfSpec().sort())
  })

  test.each(Object.entries(fieldExpectations))(
    '%s changes what its expectation lists and nothing else',
    (field, expectation) => {
      const { value, changes, base = managed } = expectation
      const before = outcomeOf(base, new Map())
      const after = outcomeOf(withField(base, field, value), before.secrets)
      const unchanged = outcomeOf(base, before.secrets)
      expect(changesBetween(before.outcome, unchanged.outcome), 'without a change').toEqual([])

      const changed = changesBetween(before.outcome, after.outcome)

      const unexpected = changed.filter((path) => !changes.some((prefix) => path.startsWith(prefix)))
      expect(unexpected, `${field} changes more than its expectation lists`).toEqual([])
      const unseen = changes.filter((prefix) => !changed.some((path) => path.startsWith(prefix)))
      expect(unseen, `${field} does not change what its expectation lists`).toEqual([])
    },
  )
})
