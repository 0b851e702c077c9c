import type { ModuleResult } from './suite.ts'

export interface Counts {
  /** With and without warnings. */
  passed: number
  /** Passed, with a picture that a person has to look at. */
  review: number
  /** Of a feature that the provider does not have. */
  skipped: number
  /** Failed, or did not end. */
  failed: number
}

export function countResults(results: readonly ModuleResult[]): Counts {
  const counts: Counts = { passed: 0, review: 0, skipped: 0, failed: 0 }
  for (const result of results) counts[columnOf(result)]++
  return counts
}

function columnOf(result: ModuleResult): keyof Counts {
  switch (result) {
    case 'PASSED':
    case 'WARNING':
      return 'passed'
    case 'REVIEW':
      return 'review'
    case 'SKIPPED':
      return 'skipped'
    case 'FAILED':
    case 'did not end':
      return 'failed'
  }
}

/** A plan without a result proves nothing either. */
export function hasFailure(table: Readonly<Record<string, Counts>>): boolean {
  const all = Object.values(table)
  return all.length === 0 || all.some(({ passed, review, failed }) => failed > 0 || passed + review === 0)
}
