import { describe, expect, test } from 'vitest'
import { outcomeOf } from '../../../test/unit/spec-fields/effects.ts'
import { managed } from '../../../test/unit/spec-fields/expectations.ts'
import { contentHash } from '../model/content-hash.ts'
import type { Manifest } from '../model/manifest.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { DatabaseRestartSlots, postponedRestartFindings, postponeRestarts } from './database-restarts.ts'
import type { ApplyPlan, ApplyReason } from './plan.ts'

const now = new Date('2026-11-29T12:00:00Z')
const statefulSet = ({ ready = 1, updateRevision = 'a', origin = 'first' } = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'accounts-mongodb', generation: 1 },
  spec: { replicas: 1, template: { metadata: { annotations: { origin } } } },
  status: { observedGeneration: 1, readyReplicas: ready, currentRevision: 'a', updateRevision },
})
type Live = ReturnType<typeof statefulSet>

/** One reconcile: whether the database is written, and the reported finding. */
function reconcile(
  restarts: DatabaseRestartSlots,
  name: string,
  {
    live = statefulSet(),
    reason = 'changed',
    generation = 1,
    origin = 'first' as string,
    at = now,
  }: {
    live?: Live
    reason?: ApplyReason | 'none'
    generation?: number
    origin?: string
    at?: Date
  } = {},
) {
  const planned = { manifest: statefulSet({ origin }) as Manifest, paths: [], hasOthers: false }
  const apply = reason === 'none' ? [] : [{ ...planned, reason }]
  const plan: ApplyPlan<Manifest> = { apply, prune: [], terminating: [], kept: [] }
  const metadata = { namespace: 'team-a', name, generation }
  // Nothing else of the snapshot is read.
  const snapshot = { authService: { metadata, status: { observedGeneration: 1 } }, children: [live] }
  const { plan: kept, waiting } = postponeRestarts(plan, snapshot as unknown as Snapshot, restarts, at)
  return { isWritten: kept.apply.length > 0, findings: postponedRestartFindings(waiting).map(({ message }) => message) }
}

describe('a release that changes the template of managed databases', () => {
  test('restarts as many databases at a time as the limit allows; the next one reports that it waits, and follows when one is ready again', () => {
    const restarts = new DatabaseRestartSlots(1)
    expect(reconcile(restarts, 'one')).toEqual({ isWritten: true, findings: [] })
    const second = reconcile(restarts, 'two')
    expect(second).toMatchObject({
      isWritten: false,
      findings: [expect.stringMatching(/accounts-mongodb is waiting to restart/)],
    })
    reconcile(restarts, 'one', { reason: 'none', live: statefulSet({ ready: 0, updateRevision: 'b' }) })
    expect(reconcile(restarts, 'two').isWritten, 'the first one still restarts').toBe(false)
    reconcile(restarts, 'one', { reason: 'none' })
    expect(reconcile(restarts, 'two').isWritten).toBe(true)
  })

  test('is not blocked forever by a database that never becomes ready', () => {
    const restarts = new DatabaseRestartSlots(1)
    reconcile(restarts, 'one')
    expect(reconcile(restarts, 'two', { at: new Date(now.getTime() + 601_000) }).isWritten).toBe(true)
  })

  test.each<[string, Parameters<typeof reconcile>[2]]>([
    ['what a person asked for by the spec', { generation: 2 }],
    ['an edit that is put back', { reason: 'drifted' }],
    ['a database that is lost', { reason: 'missing' }],
    ['a database that is not ready, for it may be the repair', { live: statefulSet({ ready: 0 }) }],
    ['a rotation of passwords', { origin: 'second' }],
  ])('%s does not wait', (_, given) => {
    const restarts = new DatabaseRestartSlots(1)
    reconcile(restarts, 'one')
    expect(reconcile(restarts, 'two', given).isWritten).toBe(true)
  })
})

test.each([
  ['mongodb', '76b005016cc6e3f1'],
  ['redis', 'b26be43d86c3491f'],
])('the template of a managed %s is unchanged', (component, hash) => {
  const { outcome } = outcomeOf(managed, new Map())
  const template = [...outcome].filter(([path]) =>
    path.startsWith(`StatefulSet accounts-${component}: spec.template.spec.`),
  )
  expect(template.length).toBeGreaterThan(10)
  expect(
    contentHash(template.sort(([one], [other]) => (one < other ? -1 : 1)).map((entry) => entry.join('='))),
    `This change restarts every managed ${component} of every cluster at the upgrade, and logins fail meanwhile. If it is worth that, write the new hash here, and say so in CHANGELOG.md under Changed.`,
  ).toBe(hash)
})
