import { describe, expect, test } from 'vitest'
import { changesBetween, fieldsOfSpec, outcomeOf, withField } from './effects.ts'
import { managed, rows } from './rows.ts'

describe('a field of a spec', () => {
  test('has a row that says what it changes', () => {
    expect(Object.keys(rows).sort()).toEqual(fieldsOfSpec().sort())
  })

  test.each(Object.entries(rows))('%s changes what it says and nothing else', (field, row) => {
    const { value, changes, base = managed } = row
    const before = outcomeOf(base, new Map())
    const after = outcomeOf(withField(base, field, value), before.secrets)
    const unchanged = outcomeOf(base, before.secrets)
    expect(changesBetween(before.outcome, unchanged.outcome), 'without a change').toEqual([])

    const changed = changesBetween(before.outcome, after.outcome)

    const unexpected = changed.filter((path) => !changes.some((prefix) => path.startsWith(prefix)))
    expect(unexpected, `${field} changed more than its row says`).toEqual([])
    const unseen = changes.filter((prefix) => !changed.some((path) => path.startsWith(prefix)))
    expect(unseen, `${field} did not change what its row says`).toEqual([])
  })
})
