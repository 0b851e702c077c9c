import { describe, expect, test } from 'vitest'
import type { ServerReport } from '../../model/observed-objects.ts'
import type { PodTemplate } from '../../model/revision.ts'
import type { Snapshot } from '../../model/snapshot.ts'
import { rollbackRefusal } from './rollback-refusal.ts'

const template = (mode?: string): PodTemplate => ({
  metadata: { labels: {} },
  spec: { containers: [{ name: 'server', env: mode === undefined ? [] : [{ name: 'MFA_MODE', value: mode }] }] },
})
const report = (usersHaveSecondFactors?: boolean): ServerReport => ({
  problems: [],
  mongodb: { up: true },
  redis: { up: true },
  ...(usersHaveSecondFactors !== undefined && { usersHaveSecondFactors }),
})

function refusal(
  target: PodTemplate | undefined,
  reports: ServerReport[],
  annotations: Record<string, string> = {},
): string | undefined {
  // Nothing else of a snapshot is read.
  const authService = { metadata: { name: 'accounts', annotations } } as unknown as Snapshot['authService']
  const serverReports = new Map(reports.map((one, index) => [`accounts-blue-${index}`, one]))
  const rollback = { named: '3', revision: 'abc', template: target }
  return rollbackRefusal({ authService, serverReports }, rollback, (value) => ['3', 'abc'].includes(value))
}

describe('a rollback', () => {
  test('to a revision without second factors is refused while users have some, with what to do', () => {
    const expected =
      'Refused: revision abc has no second factors, and users have enrolled some. They would log in with their password alone. ' +
      'To return to it anyway, annotate with auth-operator.dev/allow-password-only=3, and request the rollback again.'
    expect(refusal(template(), [report(true)])).toBe(expected)
    expect(refusal(template('off'), [report(true)])).toBe(expected)
    expect(refusal(template(), [report(), report(true)]), 'one server that knows is enough').toBe(expected)
  })

  test('is not refused if nobody has one, or no server knows', () => {
    expect(refusal(template(), [report(false)])).toBeUndefined()
    expect(refusal(template(), [report()])).toBeUndefined()
    expect(refusal(template(), [])).toBeUndefined()
  })

  test('to a revision that asks for second factors is not refused', () => {
    expect(refusal(template('optional'), [report(true)])).toBeUndefined()
    expect(refusal(template('required'), [report(true)])).toBeUndefined()
  })

  test('is allowed by name, and only this one', () => {
    const allow = (value: string) => ({ 'auth-operator.dev/allow-password-only': value })
    expect(refusal(template(), [report(true)], allow('3'))).toBeUndefined()
    expect(refusal(template(), [report(true)], allow('2'))).toMatch(/^Refused/)
  })

  test('to a revision that is not stored is left to the rollout, which reports it', () => {
    expect(refusal(undefined, [report(true)])).toBeUndefined()
  })
})
