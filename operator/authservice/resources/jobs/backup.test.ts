import { expect, test } from 'vitest'
import { resolveSpec } from '../../api/defaults.ts'
import type { AuthServiceSpec } from '../../api/schema.ts'
import { noExposure } from '../../model/exposure.ts'
import type { RenderInput } from '../render-input.ts'
import { renderBackup } from './backup.ts'

const destination = { persistentVolumeClaim: { claimName: 'backups' } }
const backup = { schedule: '0 3 * * *', destination }

function render(spec: Partial<AuthServiceSpec>): unknown {
  const metadata = { name: 'accounts', namespace: 'team-a' }
  const input: RenderInput = {
    owner: { ...metadata, uid: 'uid' },
    resolved: resolveSpec({ metadata, spec: { mongodb: {}, redis: {}, ...spec } }),
    images: { server: 'server', setup: 'server', redis: 'redis', mongodb: 'example.com/mongo:8.0', nginx: 'nginx' },
    restartedBy: undefined,
    keptEgress: [],
    secrets: [],
    referencedSecrets: new Map(),
    monitoring: { podMonitor: false, prometheusRule: false, dashboard: false },
    exposure: noExposure,
    edgeShowsSecret: true,
    placement: {
      activeColor: 'blue',
      previewColor: undefined,
      colors: {},
      smokeTest: undefined,
      migration: undefined,
      contraction: undefined,
      revisions: [],
    },
  }
  return renderBackup(input)
}

/** The pod of the CronJob, with the fields of `pod`. */
const withPod = (pod: object) => [
  expect.objectContaining({
    spec: expect.objectContaining({
      jobTemplate: expect.objectContaining({
        spec: expect.objectContaining({ template: expect.objectContaining({ spec: expect.objectContaining(pod) }) }),
      }),
    }),
  }),
]

test('there are no backups unless the spec has a schedule', () => {
  expect(render({})).toEqual([])
})

test('a backup does not overlap with another one, and follows the schedule of the spec in UTC', () => {
  expect(render({ backup })).toEqual([
    expect.objectContaining({
      kind: 'CronJob',
      metadata: expect.objectContaining({ name: 'accounts-backup' }),
      spec: expect.objectContaining({
        schedule: '0 3 * * *',
        timeZone: 'Etc/UTC',
        concurrencyPolicy: 'Forbid',
      }),
    }),
  ])
})

test('it writes to the volume that the spec names, with the tools of the MongoDB image', () => {
  const claim = expect.objectContaining({ persistentVolumeClaim: { claimName: 'backups' } })
  expect(render({ backup })).toEqual(
    withPod({
      volumes: expect.arrayContaining([claim]),
      containers: [expect.objectContaining({ image: 'example.com/mongo:8.0', args: ['backup'] })],
    }),
  )
})

test('an external MongoDB is backed up with the URL and the CA of the spec', () => {
  const external = {
    urlSecretRef: { name: 'our-mongodb', key: 'connection' },
    caSecretRef: { name: 'our-ca', key: 'ca.crt' },
  }
  const mongodb = { external, database: 'accounts', usersCollection: 'people' }
  expect(render({ backup: { ...backup, keep: 30 }, mongodb })).toEqual(
    withPod({
      volumes: expect.arrayContaining([
        expect.objectContaining({
          secret: { secretName: 'our-mongodb', items: [{ key: 'connection', path: 'connection' }] },
        }),
      ]),
      containers: [
        expect.objectContaining({
          env: expect.arrayContaining([
            { name: 'MONGODB_URL_FILE', value: '/etc/authservice/mongodb/connection' },
            { name: 'MONGODB_CA_FILE', value: '/etc/authservice/mongodb-ca/ca.crt' },
            { name: 'DATABASE_NAME', value: 'accounts' },
            { name: 'COLLECTION_NAME', value: 'people' },
            { name: 'BACKUP_KEEP', value: '30' },
          ]),
        }),
      ],
    }),
  )
})
