import { expect, test } from 'vitest'
import type { Finding } from '../model/finding.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { planRequeue, rolloutRequeueSeconds } from './requeue.ts'

const start = new Date('2026-11-29T12:00:00Z')
const blocking = (reason: Finding['reason']): Finding => ({
  kind: 'blocking',
  condition: 'SecretsReady',
  message: 'Secret our-smtp does not exist.',
  reason,
})

/** The seconds at which an AuthService is reconciled while no watched object changes. */
function reconcileSeconds(findings: readonly Finding[], seconds: number, snapshot: Partial<Snapshot> = {}): number[] {
  const at: number[] = []
  const condition = { type: 'Stalled', status: 'True', reason: 'x', message: 'x', observedGeneration: 1 }
  const status = { conditions: [{ ...condition, lastTransitionTime: start.toISOString() }] }
  // Nothing else of a snapshot is read.
  const seen = {
    authService: { status },
    referencedSecrets: new Map(),
    pods: [],
    readClaims: [],
    ...snapshot,
  } as unknown as Snapshot
  for (let now = 0; now < seconds; ) {
    at.push(Math.round(now))
    const next = planRequeue(
      { snapshot: seen, findings, dates: [], requeueAfterSeconds: undefined },
      new Date(start.getTime() + now * 1_000),
    )
    now += 'requeueAfterMilliseconds' in next ? next.requeueAfterMilliseconds / 1_000 : Number.POSITIVE_INFINITY
  }
  return at
}

test('a stalled AuthService is reconciled soon, then less and less often, down to every five minutes', () => {
  expect(reconcileSeconds([blocking('SecretNotFound')], 1_200)).toEqual([0, 5, 10, 20, 40, 80, 160, 320, 620, 920])
  expect(reconcileSeconds([blocking('ApplyRefused')], 1_200)).toEqual([0, 30, 60, 120, 240, 480, 780, 1080])
})

test('500 AuthServices that are stalled for a day are reconciled less than twice a second in total', () => {
  const oneDay = 86_400
  const inLastHour = reconcileSeconds([blocking('SecretNotFound')], oneDay).filter((second) => second >= oneDay - 3_600)
  expect((500 * inLastHour.length) / 3_600).toBeLessThan(2)
})

test('a missing backup volume is checked equally often', () => {
  const missing = { missingBackupVolume: 'backups' }
  expect(reconcileSeconds([], 700, missing)).toEqual([0, 30, 60, 120, 240, 480])
})

test('a volume that is being deleted while a pod uses it is detected within ten minutes', () => {
  expect(reconcileSeconds([], 1_500, { readClaims: ['data-accounts-mongodb-0'] })).toEqual([0, 600, 1200])
  const terminating: Finding = { ...blocking('VolumeTerminating'), kind: 'warning' }
  expect(reconcileSeconds([terminating], 70, { readClaims: ['data-accounts-mongodb-0'] })).toEqual([0, 30, 60])
})

test('a field that a policy keeps is written again after ten minutes, and a healthy AuthService is never reconciled by time', () => {
  const kept: Finding = { ...blocking('KeptByPolicy'), kind: 'warning' }
  expect(reconcileSeconds([kept], 1_500)).toEqual([0, 600, 1200])
  expect(reconcileSeconds([], 1_500)).toEqual([0])
})

test('an action that cannot be recorded does not cause ten reconciles a second', () => {
  const decision = { actionsTaken: ['rollbackTo' as const], requeueAfterSeconds: 0, unrecordedRequeueAfterSeconds: 1 }
  const pause = (
    isSuspended: boolean,
    isRecorded: boolean,
    of: Parameters<typeof rolloutRequeueSeconds>[0] = decision,
  ) => rolloutRequeueSeconds(of, { isSuspended, isRecorded, isKept: true })
  expect(pause(false, true), 'recorded').toBe(0)
  expect(pause(true, false), 'suspended').toBe(300)
  expect(pause(false, false), 'a child is refused').toBe(5)
  expect(pause(false, false, { ...decision, actionsTaken: [] }), 'the record is written all the same').toBe(0)
})
