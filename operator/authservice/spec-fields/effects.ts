import { resolveSpec } from '../api/defaults.ts'
import { type AuthServiceSpec, AuthServiceSpecSchema } from '../api/spec.ts'
import type { Manifest } from '../apply/plan.ts'
import type { Front } from '../front.ts'
import { type Availabilities, optionalKinds } from '../kinds.ts'
import { render } from '../render.ts'
import { revisionLabel } from '../resources/metadata.ts'
import { policyOf } from '../rollout/observe.ts'
import { planRollout } from '../rollout/plan.ts'
import { decideSecrets } from '../secrets/decide-secrets.ts'
import type { SecretData } from '../secrets/secret-data.ts'
import type { Snapshot } from '../snapshot.ts'

/** Everything that a spec leads to: values by `Kind name: path`. What no child shows stands under `Decision`. */
export type Outcome = ReadonlyMap<string, string>

const metadata = { name: 'accounts', namespace: 'team-a', uid: 'uid', generation: 1 }
const images = { server: 'r/api-server:1.0.0', redis: 'r/redis:8', mongodb: 'r/mongo:8', nginx: 'r/nginx:1.30' }
const now = new Date('2026-11-24T12:00:00Z')

/** Secrets that specs name, and that exist. */
const referencedSecrets: ReadonlyMap<string, SecretData> = new Map([
  ['tls', { 'tls.crt': 'first certificate', 'tls.key': 'key' }],
  ['clients', { clients: `shop:${'0'.repeat(64)}` }],
  ['other-clients', { clients: `shop:${'1'.repeat(64)}` }],
  ['smtp', { username: 'mailer', password: 'first' }],
  ['other-smtp', { username: 'mailer', password: 'second' }],
  ['other-tls', { 'tls.crt': 'second certificate', 'tls.key': 'key' }],
])

/** A cluster that has everything that can stand in front. */
const front: Front = {
  // One entry for each of the kinds.
  availabilities: Object.fromEntries(
    [...Object.keys(optionalKinds), 'ingressClass'].map((kind) => [kind, 'available']),
  ) as Availabilities,
  ingressClass: { metadata: { name: 'nginx' }, spec: { controller: 'k8s.io/ingress-nginx' } },
  gatewayControllers: ['gateway.envoyproxy.io/gatewayclass-controller'],
}

/**
 * What the operator makes of a spec.
 *
 * @param before Secrets that an earlier visit made
 */
export function outcomeOf(spec: AuthServiceSpec, before: ReadonlyMap<string, SecretData>) {
  const authService = { apiVersion: 'auth-operator.dev/v1alpha1', kind: 'AuthService', metadata, spec } as const
  const resolved = resolveSpec(authService)
  const secrets = decideSecrets({
    metadata,
    resolved,
    existing: before,
    asked: new Map(),
    rotatedBy: undefined,
    passwords: { databasesDone: false, podsDone: false },
    loadedKeys: undefined,
    now,
  })
  // On an empty cluster; rendering reads nothing else of a snapshot.
  const empty = { children: [], pods: [], endpointSlices: [] }
  const snapshot = { authService, resolved, referencedSecrets, front, ...empty } as unknown as Snapshot
  const rendering = render(snapshot, images, secrets.secrets, undefined)
  const { rollout, placement } = planRollout(snapshot, rendering.wanted, new Map(), now)
  return {
    outcome: new Map([
      ...rendering.childrenFor(placement).flatMap(flattenChild),
      ...flatten('Decision: rollout', policyOf(snapshot)),
      ...flatten('Decision: smokeTest', resolved.rollout.smokeTest),
      ...flatten('Decision: analysis', resolved.rollout.analysis),
      ...flatten('Decision: counts', rollout.counts),
      ...flatten('Decision: next key', secrets.nextChangeAt?.toISOString()),
      ...flatten('Decision: suspend', resolved.suspend),
    ]),
    secrets: new Map(secrets.secrets.map(({ name, data }) => [name, data])),
  }
}

/**
 * A Job's name and a revision's carry a hash of what they are made from: the rest of them is compared by that content,
 * and revisions by the Deployment that runs one.
 */
function flattenChild(child: Manifest): [string, string][] {
  if (child.kind === 'ControllerRevision') return []
  const name = child.metadata.name.replace(/-migrate-[0-9a-f]+$/, '-migrate')
  const content = { exists: true, ...child, metadata: { ...child.metadata, name } }
  return flatten(`${child.kind} ${name}:`, content).filter(([path]) => !path.endsWith(`.${revisionLabel}`))
}

/** Entries of a list that have names, such as containers and variables, are told apart by these, others by position. */
function flatten(path: string, value: unknown): [string, string][] {
  if (Array.isArray(value))
    return value.flatMap((entry, index) => flatten(`${path}[${labelOf(entry) ?? index}]`, entry))
  if (typeof value !== 'object' || value === null) return value === undefined ? [] : [[path, String(value)]]
  return Object.entries(value).flatMap(([key, entry]) =>
    flatten(path.endsWith(':') ? `${path} ${key}` : `${path}.${key}`, entry),
  )
}

function labelOf(entry: unknown): string | undefined {
  if (typeof entry !== 'object' || entry === null || !('name' in entry)) return undefined
  return typeof entry.name === 'string' ? entry.name : undefined
}

/** Where two outcomes differ. */
export function changesBetween(one: Outcome, other: Outcome): string[] {
  const paths = new Set([...one.keys(), ...other.keys()])
  return [...paths].filter((path) => one.get(path) !== other.get(path)).sort()
}

/** Paths of every field that has a value of its own: objects stand for the fields below them. */
export function fieldsOfSpec(): string[] {
  return below(AuthServiceSpecSchema, '')
}

function below(schema: object, prefix: string): string[] {
  if (!('properties' in schema) || typeof schema.properties !== 'object' || schema.properties === null) return []
  return Object.entries(schema.properties).flatMap(([name, child]) => {
    const path = `${prefix}${name}`
    const isObject = 'properties' in child && Object.keys(child.properties).length > 0 && !('shape' in child)
    return isObject ? below(child, `${path}.`) : [path]
  })
}

/** The spec with a value at a dotted path. */
export function withField(spec: AuthServiceSpec, path: string, value: unknown): AuthServiceSpec {
  const copy: unknown = structuredClone(spec)
  const steps = path.split('.')
  const last = steps.pop() ?? ''
  let at = asRecord(copy)
  for (const step of steps) {
    at[step] ??= {}
    at = asRecord(at[step])
  }
  at[last] = value
  // The rows are checked against the schema by the API server, in the tests of manifests.
  return copy as AuthServiceSpec
}

function asRecord(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new Error('the path leads through a value that is no object')
  // An object from structuredClone of JSON has string keys only.
  return value as Record<string, unknown>
}
