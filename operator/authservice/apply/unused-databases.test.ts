import { describe, expect, test } from 'vitest'
import { resolveSpec } from '../api/defaults.ts'
import type { AuthServiceSpec } from '../api/schema.ts'
import type { Manifest } from '../model/manifest.ts'
import { findUnusedDatabases, unusedDatabaseFindings } from './unused-databases.ts'

const metadata = { name: 'accounts', namespace: 'team-a', uid: 'u', generation: 2 }
const external: AuthServiceSpec = {
  mongodb: { external: { urlSecretRef: { name: 'm', key: 'url' } } },
  redis: { external: { host: 'redis' } },
}
const child = (kind: string, name: string): Manifest => ({ apiVersion: 'apps/v1', kind, metadata: { name } })
const databases = ['mongodb', 'redis'].flatMap((database) =>
  ['StatefulSet', 'Service', 'Secret'].map((kind) => child(kind, `accounts-${database}`)),
)

interface Pods {
  color?: 'blue' | 'green'
  /** Databases whose Secret the template mounts. */
  mounts?: string[]
  pods?: number
  updated?: number
  replicas?: number
  observed?: number
}
const server = ({
  color = 'blue',
  mounts = [],
  pods = 2,
  updated = pods,
  replicas = 2,
  observed = 3,
}: Pods): Manifest => {
  const volumes = mounts.map((database) => ({ secret: { secretName: `accounts-${database}` } }))
  return {
    ...child('Deployment', `accounts-${color}`),
    metadata: { name: `accounts-${color}`, ...{ generation: 3 } },
    ...{ spec: { replicas, template: { spec: { volumes } } } },
    ...{ status: { observedGeneration: observed, replicas: pods, updatedReplicas: updated } },
  }
}
const unused = (servers: Manifest[], { spec = external, keptVolume = undefined as string | undefined } = {}) => {
  const authService = { apiVersion: 'auth-operator.dev/v1alpha1', kind: 'AuthService', metadata, spec } as const
  const input = { authService, resolved: resolveSpec(authService), children: [...databases, ...servers], keptVolume }
  return { ...findUnusedDatabases(input), warnings: unusedDatabaseFindings(findUnusedDatabases(input), input) }
}

describe('a database that the spec no longer requires', () => {
  test.each<[string, Pods]>([
    ['is what new pods still mount', { mounts: ['mongodb', 'redis'] }],
    ['has pods of the earlier template', { pods: 3, updated: 1 }],
    ['may have some, for the last change is not taken up', { observed: 2 }],
  ])('continues to run while it %s', (_, pods) => {
    expect(unused([server(pods)]).running).toEqual(['accounts-mongodb', 'accounts-redis'])
  })

  test('continues to run while the standby colour uses it', () => {
    const standby = server({ color: 'green', mounts: ['redis'] })
    expect(unused([server({}), standby]).running).toEqual(['accounts-redis'])
    const empty = server({ color: 'green', mounts: ['redis'], replicas: 0, pods: 0 })
    expect(unused([server({}), empty]).running).toEqual([])
  })

  test('is kept with all its objects, and the condition says so', () => {
    const { kept, warnings } = unused([server({ mounts: ['mongodb'] })])
    expect([...kept].sort()).toEqual(
      ['Secret', 'Service', 'StatefulSet'].map((kind) => `${kind}.apps/accounts-mongodb`).sort(),
    )
    expect(warnings.map(({ message }) => message)).toEqual([
      'The managed accounts-mongodb continues to run until no server pod uses it.',
    ])
  })

  test('is deleted when no pod uses it; the passwords of its volume are kept with the volume', () => {
    expect(unused([server({})]).kept.size).toBe(0)
    const { kept, running, warnings } = unused([server({})], { keptVolume: 'data-accounts-mongodb-0' })
    expect(running).toEqual([])
    expect([...kept]).toEqual(['Secret.apps/accounts-mongodb'])
    expect(warnings[0]?.message).toMatch(/not copied\. They are in PersistentVolumeClaim data-accounts-mongodb-0/)
  })

  test('does not exist while the spec requires it', () => {
    const spec: AuthServiceSpec = { mongodb: { managed: {} }, redis: {} }
    expect(unused([server({ mounts: ['mongodb'] })], { spec })).toMatchObject({ running: [], warnings: [] })
  })
})
