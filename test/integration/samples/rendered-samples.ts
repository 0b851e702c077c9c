import { globSync, readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { resolveSpec } from '../../../operator/authservice/api/defaults.ts'
import type { AuthServiceSpec } from '../../../operator/authservice/api/schema.ts'
import { type Front, nothingInFront } from '../../../operator/authservice/front.ts'
import type { Availabilities } from '../../../operator/authservice/kinds.ts'
import { render } from '../../../operator/authservice/render.ts'
import type { Child } from '../../../operator/authservice/resources/children.ts'
import { planRollout } from '../../../operator/authservice/rollout/plan.ts'
import { decideSecrets } from '../../../operator/authservice/secrets/decide-secrets.ts'
import type { Snapshot } from '../../../operator/authservice/snapshot.ts'

const root = resolve(import.meta.dirname, '../../..')
const images = {
  server: 'ghcr.io/authservice-operator/api-server:0.1.0',
  redis: 'docker.io/library/redis:8.0',
  mongodb: 'docker.io/library/mongo:8.0',
  nginx: 'docker.io/library/nginx:1.30',
}
const everything = Object.fromEntries(Object.keys(nothingInFront.availabilities).map((kind) => [kind, 'available']))

/** A cluster that has every kind, and ingress-nginx. */
const front: Front = {
  // One entry for each of the kinds.
  availabilities: everything as Availabilities,
  ingressClass: { metadata: { name: 'nginx' }, spec: { controller: 'k8s.io/ingress-nginx' } },
  gatewayControllers: ['gateway.envoyproxy.io/gatewayclass-controller'],
}

/** The samples, by file, and what the operator makes of each. */
export const samples: readonly { file: string; children: () => Promise<Child[]> }[] = globSync(
  'manifests/samples/*.yaml',
  { cwd: root },
)
  .sort()
  .map((path) => ({ file: basename(path), children: () => childrenOf(readFileSync(resolve(root, path), 'utf8')) }))

async function childrenOf(text: string): Promise<Child[]> {
  const documents = parseAllDocuments(text).map((document) => document.toJS())
  // The API server checks the samples against the schema, in the tests of manifests.
  const { metadata: given, spec }: { metadata: { name: string }; spec: AuthServiceSpec } = documents.find(
    ({ kind }) => kind === 'AuthService',
  )
  const metadata = { name: given.name, namespace: 'samples', uid: 'a-uid', generation: 1 }
  const authService = { apiVersion: 'auth-operator.dev/v1alpha1', kind: 'AuthService', metadata, spec } as const
  const resolved = resolveSpec(authService)
  const now = new Date('2026-11-24T12:00:00Z')
  const { secrets } = decideSecrets({
    ...{ metadata, resolved, existing: new Map(), asked: new Map() },
    ...{ rotatedBy: undefined, passwords: { databasesDone: false, podsDone: false }, loadedKeys: undefined, now },
  })
  const url = 'mongodb://a.example.com:27017,b.example.com:27017/auth?tls=true'
  const referencedSecrets = new Map([['accounts-mongodb', { url }]])
  // Rendering for the first time reads nothing else of a snapshot.
  const snapshot = {
    authService,
    resolved,
    referencedSecrets,
    front,
    pods: [],
    children: [],
    endpointSlices: [],
  } as unknown as Snapshot
  const rendering = render(snapshot, images, secrets, undefined)
  return rendering.childrenFor(planRollout(snapshot, rendering.wanted, new Map(), now).placement)
}
