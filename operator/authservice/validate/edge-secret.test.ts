import { expect, test } from 'vitest'
import { resolveSpec } from '../api/defaults.ts'
import type { AuthServiceSpec } from '../api/schema.ts'
import { noExposure } from '../model/exposure.ts'
import type { Manifest } from '../model/manifest.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { edgeSecretHash } from '../resources/edge/edge.ts'
import { render } from '../resources/render.ts'
import { opaque } from '../secrets/decide-secrets.ts'
import { findEdgeLeftBehind } from './edge-secret.ts'

const metadata = { name: 'accounts', namespace: 'team-a', uid: 'u', generation: 1 }
const spec: AuthServiceSpec = {
  ...{ environment: 'staging', mongodb: { managed: {} }, redis: { managed: {} } },
  ingress: { type: 'Nginx', host: 'auth.example.com' },
}
const images = { server: 'r/api-server:1.0.0', redis: 'r/redis:8', mongodb: 'r/mongo:8', nginx: 'r/nginx:1.30' }
const secrets = [opaque('accounts-email-hash', { secret: 'a' }), opaque('accounts-edge-secret', { secret: 'shown' })]
const hash = edgeSecretHash({ owner: metadata, secrets })

interface EdgeStatus {
  observedGeneration?: number
  replicas?: number
  updatedReplicas?: number
  conditions?: object[]
}
/** @param shows hash of the secret in its template; undefined: an earlier operator wrote the template */
function edge(shows: string | undefined, status: EdgeStatus, generation = 2): Manifest {
  const annotations = shows === undefined ? {} : { 'auth-operator.dev/edge-secret-hash': shows }
  const own = { name: 'accounts-edge', generation }
  return {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: own },
    ...{ spec: { replicas: 2, template: { metadata: { annotations } } }, status },
  }
}
const servers = (color: string, replicas: number, volumes: string[]): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: `accounts-${color}`, labels: { 'app.kubernetes.io/component': 'server' } },
  ...{ spec: { replicas, template: { spec: { volumes: volumes.map((name) => ({ name })) } } } },
})
const serverOfBefore = servers('blue', 2, ['keys'])
const quota = {
  ...{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate' },
  message: 'pods "accounts-edge-5d-x" is forbidden: exceeded quota: small, requested: limits.memory=1Gi',
}

function snapshotWith(children: Manifest[]): Snapshot {
  const authService = { metadata, spec }
  const rest = { pods: [], endpointSlices: [], referencedSecrets: new Map(), exposure: noExposure }
  // Rendering reads nothing else of a snapshot.
  return { authService, resolved: resolveSpec(authService), children, ...rest } as unknown as Snapshot
}
const requiresSecret = (...children: Manifest[]) =>
  JSON.stringify(render(snapshotWith(children), images, secrets, undefined).wanted.template).includes(
    'TRUSTED_PROXY_SECRET_FILE',
  )

test.each<[string, Manifest[]]>([
  ['all pods of the edge are of an operator that knew of none', [edge(undefined, { replicas: 2, updatedReplicas: 2 })]],
  [
    'the edge is blocked, so its template stays',
    [edge(undefined, { observedGeneration: 2, replicas: 2, updatedReplicas: 2 })],
  ],
  [
    'the cluster has not seen the new template yet',
    [edge(hash, { observedGeneration: 1, replicas: 2, updatedReplicas: 2 })],
  ],
  ['a pod of before is there', [edge(hash, { observedGeneration: 2, replicas: 3, updatedReplicas: 2 })]],
  [
    'a quota refuses the new pods',
    [edge(hash, { observedGeneration: 2, replicas: 2, updatedReplicas: 0, conditions: [quota] })],
  ],
  ['the edge shows another one', [edge('other', { observedGeneration: 2, replicas: 2, updatedReplicas: 2 })]],
  [
    'the servers that asked are gone',
    [edge(undefined, { observedGeneration: 2, replicas: 2, updatedReplicas: 2 }), servers('green', 0, ['edge-secret'])],
  ],
])('servers trust the edge without its secret while %s', (_, children) => {
  expect(requiresSecret(serverOfBefore, ...children)).toBe(false)
})

test.each<[string, Manifest[]]>([
  ['from the start, if there is no edge yet', []],
  ['from the start, while the first pods of the edge are made', [edge(hash, {}, 1)]],
  [
    'once every pod of the edge shows it',
    [serverOfBefore, edge(hash, { observedGeneration: 2, replicas: 2, updatedReplicas: 2 })],
  ],
  [
    'for good: a later update of the edge takes nothing back',
    [
      servers('blue', 2, ['keys', 'edge-secret']),
      edge(hash, { observedGeneration: 3, replicas: 3, updatedReplicas: 1 }, 3),
    ],
  ],
  [
    'permanently, also while an edited edge is restored',
    [
      servers('green', 2, ['edge-secret']),
      edge(undefined, { observedGeneration: 3, replicas: 2, updatedReplicas: 2 }, 3),
    ],
  ],
])('servers require the secret of the edge %s', (_, children) => {
  expect(requiresSecret(...children)).toBe(true)
})

test('an edge that cannot be updated is reported with the error of the API server, although its old pods continue to serve', () => {
  const refused = { observedGeneration: 2, replicas: 2, updatedReplicas: 0, conditions: [quota] }
  expect(findEdgeLeftBehind(snapshotWith([edge(hash, refused)]))).toEqual([
    {
      ...{ kind: 'warning', condition: 'IngressReady', reason: 'PodsRefused' },
      message: `2 pods of accounts-edge are not updated and continue to serve, because the API server refuses new ones: ${quota.message}`,
    },
  ])
  expect(findEdgeLeftBehind(snapshotWith([edge(hash, { ...refused, updatedReplicas: 2 })]))).toEqual([])
  expect(findEdgeLeftBehind(snapshotWith([edge(hash, { ...refused, conditions: [] })]))).toEqual([])
})
