import { expect, test } from 'vitest'
import type { AuthService } from '../api/schema.ts'
import { idOf, type Manifest } from '../model/manifest.ts'
import { areKeysInUse, findMountedSecrets } from './mounted-secrets.ts'

const authService = { metadata: { name: 'accounts', namespace: 'team-a' } } as AuthService
const named = (kind: string, name: string) => ({ apiVersion: 'v1', kind, metadata: { name, namespace: 'team-a' } })
const generated: Manifest = named('Secret', 'accounts-edge-tls')

/** The edge, with this number of pods in total and of its current template. */
function edge(secretName: string, pods: number, updated: number, observedGeneration = 2): Manifest {
  const { metadata, ...type } = named('Deployment', 'accounts-edge')
  return {
    ...type,
    metadata: { ...metadata, generation: 2 },
    spec: { template: { spec: { volumes: [{ secret: { secretName } }] } } },
    status: { observedGeneration, replicas: pods, updatedReplicas: updated },
  } as Manifest
}

test.each<[string, boolean, Manifest[]]>([
  ['the Deployment mounts it', true, [edge('accounts-edge-tls', 2, 2)]],
  ['pods of the earlier template run', true, [edge('their-tls', 3, 1)]],
  ['the new template is not taken up yet', true, [edge('their-tls', 2, 2, 1)]],
  ['every pod mounts another one', false, [edge('their-tls', 2, 2)]],
  ['there is no edge any more', false, []],
])('the generated certificate of the edge is kept while it is in use: %s: %s', (_, isKept, workloads) => {
  const mounted = findMountedSecrets({ authService, children: [generated, ...workloads] })
  expect(mounted.has(idOf(generated))).toBe(isKept)
})

/** A server Deployment as the API server shows it. */
function server(
  color: string,
  secretName: string,
  replicas: number,
  pods = replicas,
  observedGeneration = 1,
): Manifest {
  const { metadata, ...type } = named('Deployment', `accounts-${color}`)
  return {
    ...type,
    metadata: { ...metadata, generation: 1 },
    spec: { replicas, template: { spec: { volumes: [{ secret: { secretName } }] } } },
    status: { observedGeneration, replicas: pods, updatedReplicas: pods },
  } as Manifest
}

test('replaced keys are in use while pods may sign with them, but not by a standby colour without pods', () => {
  const green = server('green', 'own-keys', 3)
  const inUse = (blue: Manifest) => areKeysInUse({ authService, children: [blue, green] })
  expect(inUse(server('blue', 'accounts-keys', 3)), 'the way back is open').toBe(true)
  expect(inUse(server('blue', 'accounts-keys', 0, 2)), 'its last pods end').toBe(true)
  expect(inUse(server('blue', 'accounts-keys', 0))).toBe(false)
  expect(inUse(server('blue', 'accounts-keys', 0, 0, 0)), 'its controller has not counted yet').toBe(true)
})

test('the Secret of the keys is kept for the standby colour, whose pods could not start without it', () => {
  const keys: Manifest = named('Secret', 'accounts-keys')
  const children = [server('blue', 'accounts-keys', 0), server('green', 'own-keys', 3), keys]
  expect(findMountedSecrets({ authService, children }).has(idOf(keys))).toBe(true)
})
