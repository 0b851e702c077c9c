import { describe, expect, test } from 'vitest'
import type { Manifest } from '../model/manifest.ts'
import type { Snapshot } from '../model/snapshot.ts'
import type { ApplyPlan, ApplyReason } from './plan.ts'
import { postponedRestartFindings, postponeRestarts, RestartSlots } from './restarts.ts'

const now = new Date('2026-11-29T12:00:00Z')
const statefulSet = ({
  ready = 1,
  updateRevision = 'a',
  origin = 'first',
  image = 'mongo:8.0.1',
  type = 'RollingUpdate',
} = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'accounts-mongodb', generation: 1 },
  spec: {
    replicas: 1,
    updateStrategy: { type },
    template: { metadata: { annotations: { origin } }, spec: { containers: [{ name: 'mongodb', image }] } },
  },
  status: { observedGeneration: 1, readyReplicas: ready, currentRevision: 'a', updateRevision },
})
type Live = ReturnType<typeof statefulSet>

/** One reconcile: whether the database is written, and the reported finding. */
function reconcile(
  restarts: RestartSlots,
  name: string,
  {
    live = statefulSet(),
    reason = 'changed',
    generation = 1,
    origin = 'first' as string,
    type = 'RollingUpdate' as string,
    at = now,
  }: {
    live?: Live
    reason?: ApplyReason | 'none'
    generation?: number
    origin?: string
    type?: string
    at?: Date
  } = {},
) {
  const manifest: Manifest = statefulSet({ origin, type, image: 'mongo:8.0.2' })
  const planned = { manifest, paths: [], hasOthers: false }
  const apply = reason === 'none' ? [] : [{ ...planned, reason }]
  const plan: ApplyPlan<Manifest> = { apply, prune: [], terminating: [], kept: [] }
  const metadata = { namespace: 'team-a', name, generation }
  // Nothing else of the snapshot is read.
  const snapshot = { authService: { metadata, status: { observedGeneration: 1 } }, children: [live] }
  const { plan: kept, waiting } = postponeRestarts(plan, snapshot as unknown as Snapshot, restarts, at)
  return { isWritten: kept.apply.length > 0, findings: postponedRestartFindings(waiting).map(({ message }) => message) }
}

describe('a release that changes the image of managed databases', () => {
  test('restarts as many databases at a time as the limit allows; the next one reports that it waits, and follows when one is ready again', () => {
    const restarts = new RestartSlots(1)
    expect(reconcile(restarts, 'one')).toEqual({ isWritten: true, findings: [] })
    const second = reconcile(restarts, 'two')
    expect(second).toMatchObject({
      isWritten: false,
      findings: [expect.stringMatching(/accounts-mongodb is waiting to replace its pods/)],
    })
    reconcile(restarts, 'one', { reason: 'none', live: statefulSet({ ready: 0, updateRevision: 'b' }) })
    expect(reconcile(restarts, 'two').isWritten, 'the first one still restarts').toBe(false)
    reconcile(restarts, 'one', { reason: 'none' })
    expect(reconcile(restarts, 'two').isWritten).toBe(true)
  })

  test('is not blocked forever by a database that never becomes ready', () => {
    const restarts = new RestartSlots(1)
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
    const restarts = new RestartSlots(1)
    reconcile(restarts, 'one')
    expect(reconcile(restarts, 'two', given).isWritten).toBe(true)
  })

  test('leaves slots to others while a change of its own waits for the next pod', () => {
    const restarts = new RestartSlots(1)
    const live = statefulSet({ type: 'OnDelete', updateRevision: 'b' })
    expect(reconcile(restarts, 'one', { type: 'OnDelete' }).isWritten).toBe(true)
    expect(reconcile(restarts, 'two').isWritten).toBe(true)
    reconcile(restarts, 'two', { reason: 'none', live })
    expect(reconcile(restarts, 'three').isWritten, 'two has restarted, although its revision is pending').toBe(true)
    expect(reconcile(restarts, 'four', { live }).isWritten, 'a database with a pending template waits as well').toBe(
      false,
    )
  })
})

describe('a release that changes the image of the edge', () => {
  const edge = ({ name = 'one', image = 'nginx:1.30.1', updated = 2 } = {}) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: `${name}-edge`, generation: 2, labels: { 'app.kubernetes.io/component': 'edge' } },
    spec: { replicas: 2, template: { spec: { containers: [{ name: 'nginx', image }] } } },
    status: { observedGeneration: 2, replicas: 2, updatedReplicas: updated, readyReplicas: 2, availableReplicas: 2 },
  })

  function reconcileEdge(restarts: RestartSlots, name: string, given: { isWritten?: boolean; updated?: number } = {}) {
    const { isWritten = false, updated = 2 } = given
    const manifest: Manifest = edge({ name, image: 'nginx:1.30.2' })
    const planned = { manifest, paths: [], hasOthers: false, reason: 'changed' as const }
    const plan: ApplyPlan<Manifest> = { apply: isWritten ? [] : [planned], prune: [], terminating: [], kept: [] }
    const metadata = { namespace: 'team-a', name, generation: 1 }
    // Nothing else of the snapshot is read.
    const snapshot = {
      authService: { metadata, status: { observedGeneration: 1 } },
      children: [edge({ name, updated })],
    }
    const { plan: kept, waiting } = postponeRestarts(plan, snapshot as unknown as Snapshot, restarts, now)
    return { isWritten: kept.apply.length > 0, findings: postponedRestartFindings(waiting) }
  }

  test('replaces as many edges at a time as the limit allows; the next one follows when no old pod is left', () => {
    const restarts = new RestartSlots(1)
    expect(reconcileEdge(restarts, 'one')).toEqual({ isWritten: true, findings: [] })
    expect(reconcileEdge(restarts, 'two')).toMatchObject({
      isWritten: false,
      findings: [{ condition: 'IngressReady', message: expect.stringMatching(/^Deployment two-edge is waiting/) }],
    })
    reconcileEdge(restarts, 'one', { isWritten: true, updated: 1 })
    expect(reconcileEdge(restarts, 'two').isWritten, 'a ready old pod of the first one is left').toBe(false)
    reconcileEdge(restarts, 'one', { isWritten: true })
    expect(reconcileEdge(restarts, 'two').isWritten).toBe(true)
  })

  test('does not wait for pods that are not ready', () => {
    const restarts = new RestartSlots(1)
    reconcileEdge(restarts, 'one')
    expect(reconcileEdge(restarts, 'two', { updated: 1 }).isWritten).toBe(true)
  })
})
