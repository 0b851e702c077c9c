import { globSync, readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { resolveSpec } from '../../../operator/authservice/api/defaults.ts'
import type { AuthServiceSpec } from '../../../operator/authservice/api/schema.ts'
import { type Exposure, noExposure } from '../../../operator/authservice/model/exposure.ts'
import type { Availabilities } from '../../../operator/authservice/model/kinds.ts'
import type { Snapshot } from '../../../operator/authservice/model/snapshot.ts'
import { render } from '../../../operator/authservice/resources/render.ts'
import type { Child } from '../../../operator/authservice/resources/render-input.ts'
import { planRollout } from '../../../operator/authservice/rollout/observe/plan.ts'
import { decideSecrets } from '../../../operator/authservice/secrets/decide-secrets.ts'
import { systemSources } from '../../../operator/authservice/secrets/system-sources.ts'

const root = resolve(import.meta.dirname, '../../..')
const images = {
  server: 'ghcr.io/authservice-operator/api-server:0.1.0',
  redis: 'docker.io/library/redis:8.0',
  mongodb: 'docker.io/library/mongo:8.0',
  nginx: 'docker.io/library/nginx:1.30',
}
const everything = Object.fromEntries(Object.keys(noExposure.availabilities).map((kind) => [kind, 'available']))

/** A cluster with every kind and ingress-nginx. */
const exposure: Exposure = {
  // One entry for each kind.
  availabilities: everything as Availabilities,
  ingressClass: { metadata: { name: 'nginx' }, spec: { controller: 'k8s.io/ingress-nginx' } },
  gatewayControllers: ['gateway.envoyproxy.io/gatewayclass-controller'],
}

/** The samples by file, with the children that the operator creates for them. */
export const samples: readonly { file: string; children: () => Promise<Child[]> }[] = globSync(
  'manifests/samples/*.yaml',
  { cwd: root },
)
  .sort()
  .map((path) => ({ file: basename(path), children: () => childrenOf(readFileSync(resolve(root, path), 'utf8')) }))

async function childrenOf(text: string): Promise<Child[]> {
  const documents = parseAllDocuments(text).map((document) => document.toJS())
  // The tests of manifests check the samples against the schema.
  const { metadata: given, spec }: { metadata: { name: string }; spec: AuthServiceSpec } = documents.find(
    ({ kind }) => kind === 'AuthService',
  )
  const metadata = { name: given.name, namespace: 'samples', uid: 'a-uid', generation: 1 }
  const authService = { apiVersion: 'auth-operator.dev/v1alpha1', kind: 'AuthService', metadata, spec } as const
  const resolved = resolveSpec(authService)
  const now = new Date('2026-11-24T12:00:00Z')
  const { secrets } = decideSecrets(
    {
      metadata,
      resolved,
      existing: new Map(),
      requested: new Map(),
      rotatedBy: undefined,
      mfaKeysRotatedBy: undefined,
      oidcKeysRotatedBy: undefined,
      passwords: { databasesDone: false, podsDone: false },
      loadedKeys: undefined,
      oidcClients: undefined,
      identityProviders: undefined,
      keysInUse: false,
      now,
    },
    systemSources,
  )
  const url = 'mongodb://a.example.com:27017,b.example.com:27017/auth?tls=true'
  const referencedSecrets = new Map([['accounts-mongodb', { url }]])
  // The first rendering reads nothing else of a snapshot.
  const snapshot = {
    authService,
    resolved,
    referencedSecrets,
    exposure,
    pods: [],
    children: [],
    endpointSlices: [],
  } as unknown as Snapshot
  const rendering = render(snapshot, images, secrets, undefined)
  return rendering.childrenFor(planRollout(snapshot, { wanted: rendering.wanted, requested: new Map() }, now).placement)
}
