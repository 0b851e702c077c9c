import { expect, test } from 'vitest'
import type { AuthServiceStatus } from '../../api/schema.ts'
import { emptyRecord } from '../decide/record.ts'
import { revisionStatuses } from './outcomes.ts'

const template = { metadata: { labels: {} }, spec: {} }
const kept = ['one', 'two', 'three'].map((revision, index) => ({
  revision,
  number: index + 1,
  image: 'server',
  template,
}))
const at = (minute: number) => new Date(Date.UTC(2026, 10, 24, 12, minute))

test('every revision keeps its outcome, whatever was rolled out after it', () => {
  const first = revisionStatuses(kept, undefined, { ...emptyRecord, currentRevision: 'one' }, at(0))
  const failure = 'the smoke test failed: login: the answer was 500'
  const before: AuthServiceStatus = { currentRevision: 'one', revisions: first }
  const failed = {
    ...emptyRecord,
    currentRevision: 'one',
    failedRevision: 'two',
    lastOutcome: 'RolledBack',
    failure,
  } as const
  const second = revisionStatuses(kept, before, failed, at(1))
  const promoted = { ...emptyRecord, currentRevision: 'three', lastOutcome: 'Promoted' } as const
  const third = revisionStatuses(kept, { ...before, revisions: second }, promoted, at(2))
  expect(third).toMatchObject([
    { name: 'one', servedAt: '2026-11-24T12:00:00Z', outcome: 'Promoted' },
    { name: 'two', outcome: 'RolledBack', failure },
    { name: 'three', servedAt: '2026-11-24T12:02:00Z', outcome: 'Promoted' },
  ])
  expect(third[1]).not.toHaveProperty('servedAt')
})

test('a revision that served and is replaced during its rollback keeps its record of having served', () => {
  const rollout = { phase: 'Preparing', revision: 'two' }
  const revisions = [{ name: 'two', number: 2, servedAt: '2026-11-24T11:00:00Z', outcome: 'Promoted' as const }]
  const record = {
    ...emptyRecord,
    currentRevision: 'one',
    revision: 'three',
    phase: 'Preparing',
    lastOutcome: 'Superseded',
  } as const
  const [, two] = revisionStatuses(kept, { currentRevision: 'one', revisions, rollout }, record, at(3))
  expect(two).toMatchObject({ servedAt: '2026-11-24T11:00:00Z', outcome: 'Superseded' })
})
