import { expect, test } from 'vitest'
import { resolveSpec } from '../api/defaults.ts'
import type { AuthService, Condition } from '../api/schema.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { eventsForWarnings } from '../status/events.ts'
import { claimsOf, findTerminatingClaims } from './terminating-claims.ts'

const metadata = { name: 'accounts', namespace: 'team-a', uid: 'uid', generation: 1 }
const pod = (name: string, component: string): Snapshot['pods'][number] => ({
  metadata: { name, labels: { 'app.kubernetes.io/component': component } },
  status: { phase: 'Running' },
})
const find = (pods: Snapshot['pods'], ...terminatingClaims: Snapshot['terminatingClaims']) =>
  // Nothing else of the AuthService is read.
  findTerminatingClaims({ authService: { metadata } as AuthService, terminatingClaims, pods })

const database = { name: 'data-accounts-mongodb-0', volume: 'pvc-1' }

test('while the volume of MongoDB is Terminating under a running pod, the condition names the pod and how to keep the data', () => {
  const [finding, ...others] = find([pod('accounts-mongodb-0', 'mongodb'), pod('accounts-blue-1', 'server')], database)
  expect(others).toEqual([])
  expect(finding).toEqual({
    kind: 'warning',
    condition: 'MongoDBReady',
    reason: 'VolumeTerminating',
    message:
      'PersistentVolumeClaim data-accounts-mongodb-0 is being deleted and remains until pod accounts-mongodb-0 stops using it: its data will be lost.' +
      ` To keep the data, first: kubectl patch pv pvc-1 -p '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'.` +
      ' Then kubectl delete pod -n team-a accounts-mongodb-0: it returns with an empty volume, which the operator migrates and which you can restore a backup to.',
  })
})

test('a volume of backups that is being deleted is reported in the condition for backups, and no pod needs to be deleted', () => {
  const [finding] = find([pod('accounts-backup-1-x', 'backup')], { name: 'backups', volume: 'pvc-2' })
  expect(finding).toMatchObject({
    condition: 'ProductionReady',
    message: expect.stringContaining('accounts-backup-1-x'),
  })
  expect(finding?.message).not.toContain('kubectl delete')
})

test('the message about a volume that no pod uses names no pod', () => {
  expect(find([], database)[0]?.message).not.toContain('pod ')
  expect(find([])).toEqual([])
})

test('claims are checked if their loss is a loss of data', () => {
  const of = (spec: object) =>
    claimsOf('accounts', resolveSpec({ metadata, spec: { environment: 'staging', mongodb: {}, redis: {}, ...spec } }))
  expect(of({})).toEqual(['data-accounts-mongodb-0'])
  expect(of({ mongodb: { managed: { storage: { ephemeral: true } } } })).toEqual([])
  const destination = { persistentVolumeClaim: { claimName: 'backups' } }
  const external = { external: { urlSecretRef: { name: 'db', key: 'url' } } }
  expect(of({ mongodb: external, backup: { schedule: '0 3 * * *', destination } })).toEqual(['backups'])
})

test('a finding about a volume is one event, and another one after it was resolved', () => {
  const findings = find([pod('accounts-mongodb-0', 'mongodb')], database)
  const [warning] = findings
  expect(eventsForWarnings(findings, undefined)).toEqual([
    { type: 'Warning', reason: 'VolumeTerminating', message: warning?.message },
  ])
  const recorded: Condition = {
    type: 'MongoDBReady',
    status: 'True',
    reason: 'Available',
    observedGeneration: 1,
    lastTransitionTime: '2026-11-24T12:00:00Z',
    message: `All is well. ${warning?.message}`,
  }
  expect(eventsForWarnings(findings, { conditions: [recorded] })).toEqual([])
  expect(eventsForWarnings(findings, { conditions: [{ ...recorded, message: 'All is well.' }] })).toHaveLength(1)
})
