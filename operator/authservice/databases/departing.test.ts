import { describe, expect, test } from 'vitest'
import { resolveSpec } from '../api/defaults.ts'
import type { AuthServiceSpec } from '../api/schema.ts'
import type { Manifest } from '../apply/plan.ts'
import { findDeparting, findLeftBehind } from './departing.ts'

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
const departing = (servers: Manifest[], { spec = external, keptVolume = undefined as string | undefined } = {}) => {
  const authService = { apiVersion: 'auth-operator.dev/v1alpha1', kind: 'AuthService', metadata, spec } as const
  const input = { authService, resolved: resolveSpec(authService), children: [...databases, ...servers], keptVolume }
  return { ...findDeparting(input), notes: findLeftBehind(findDeparting(input), input) }
}

describe('a database that the spec no longer asks for', () => {
  test.each<[string, Pods]>([
    ['is what new pods still mount', { mounts: ['mongodb', 'redis'] }],
    ['has pods of the earlier template', { pods: 3, updated: 1 }],
    ['may have some, for the last change is not taken up', { observed: 2 }],
  ])('runs on while it %s', (_, pods) => {
    expect(departing([server(pods)]).running).toEqual(['accounts-mongodb', 'accounts-redis'])
  })

  test('runs on while the colour that stands by uses it', () => {
    const standby = server({ color: 'green', mounts: ['redis'] })
    expect(departing([server({}), standby]).running).toEqual(['accounts-redis'])
    const empty = server({ color: 'green', mounts: ['redis'], replicas: 0, pods: 0 })
    expect(departing([server({}), empty]).running).toEqual([])
  })

  test('is kept with all that belongs to it, and says so', () => {
    const { kept, notes } = departing([server({ mounts: ['mongodb'] })])
    expect([...kept].sort()).toEqual(
      ['Secret', 'Service', 'StatefulSet'].map((kind) => `${kind}.apps/accounts-mongodb`).sort(),
    )
    expect(notes.map(({ message }) => message)).toEqual([
      'The managed accounts-mongodb runs on until no server pod uses it.',
    ])
  })

  test('goes when nothing uses it; the passwords of its volume stay with the volume', () => {
    expect(departing([server({})]).kept.size).toBe(0)
    const { kept, running, notes } = departing([server({})], { keptVolume: 'data-accounts-mongodb-0' })
    expect(running).toEqual([])
    expect([...kept]).toEqual(['Secret.apps/accounts-mongodb'])
    expect(notes[0]?.message).toMatch(/not copied: they are in PersistentVolumeClaim data-accounts-mongodb-0/)
  })

  test('is nothing while the spec asks for it', () => {
    const spec: AuthServiceSpec = { mongodb: { managed: {} }, redis: {} }
    expect(departing([server({ mounts: ['mongodb'] })], { spec })).toMatchObject({ running: [], notes: [] })
  })
})
