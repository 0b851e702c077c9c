import { resolveSpec } from '../../../operator/authservice/api/defaults.ts'
import { type AuthServiceSpec, AuthServiceSpecSchema } from '../../../operator/authservice/api/spec.ts'
import type { Exposure } from '../../../operator/authservice/model/exposure.ts'
import { type Availabilities, optionalKinds } from '../../../operator/authservice/model/kinds.ts'
import { revisionLabel } from '../../../operator/authservice/model/labels.ts'
import type { Manifest } from '../../../operator/authservice/model/manifest.ts'
import type { SecretData } from '../../../operator/authservice/model/secret-data.ts'
import type { Snapshot } from '../../../operator/authservice/model/snapshot.ts'
import { render } from '../../../operator/authservice/resources/render.ts'
import { policyOf } from '../../../operator/authservice/rollout/observe/observe.ts'
import { planRollout } from '../../../operator/authservice/rollout/observe/plan.ts'
import { decideSecrets } from '../../../operator/authservice/secrets/decide-secrets.ts'
import { providersFileOf } from '../../../operator/authservice/secrets/identity-providers.ts'
import { systemSources } from '../../../operator/authservice/secrets/system-sources.ts'

/** Everything that a spec leads to: values by `Kind name: path`. Decisions that no child shows are under `Decision`. */
export type Outcome = ReadonlyMap<string, string>

const metadata = { name: 'accounts', namespace: 'team-a', uid: 'uid', generation: 1 }
const images = { server: 'r/api-server:1.0.0', redis: 'r/redis:8', mongodb: 'r/mongo:8', nginx: 'r/nginx:1.30' }
const now = new Date('2026-11-24T12:00:00Z')

/** Existing Secrets that specs refer to. */
const referencedSecrets: ReadonlyMap<string, SecretData> = new Map([
  ['tls', { 'tls.crt': 'first certificate', 'tls.key': 'key' }],
  ['clients', { clients: `shop:${'0'.repeat(64)}` }],
  ['other-clients', { clients: `shop:${'1'.repeat(64)}` }],
  ['smtp', { username: 'mailer', password: 'first' }],
  ['corp', { secret: 'of a provider' }],
  ['other-smtp', { username: 'mailer', password: 'second' }],
  ['other-tls', { 'tls.crt': 'second certificate', 'tls.key': 'key' }],
])

/** A cluster with every kind of exposure. */
const exposure: Exposure = {
  // One entry for each kind.
  availabilities: Object.fromEntries(
    [...Object.keys(optionalKinds), 'ingressClass'].map((kind) => [kind, 'available']),
  ) as Availabilities,
  ingressClass: { metadata: { name: 'nginx' }, spec: { controller: 'k8s.io/ingress-nginx' } },
  gatewayControllers: ['gateway.envoyproxy.io/gatewayclass-controller'],
}

/**
 * Renders what the operator creates for a spec.
 *
 * @param before Secrets of an earlier reconcile
 */
export function outcomeOf(spec: AuthServiceSpec, before: ReadonlyMap<string, SecretData>) {
  const authService = { apiVersion: 'auth-operator.dev/v1alpha1', kind: 'AuthService', metadata, spec } as const
  const resolved = resolveSpec(authService)
  const secrets = decideSecrets(
    {
      metadata,
      resolved,
      existing: before,
      requested: new Map(),
      rotatedBy: undefined,
      mfaKeysRotatedBy: undefined,
      oidcKeysRotatedBy: undefined,
      passwords: { databasesDone: false, podsDone: false },
      loadedKeys: undefined,
      oidcClients: undefined,
      identityProviders: providersFileOf(resolved, referencedSecrets),
      keysInUse: false,
      now,
    },
    systemSources,
  )
  // For an empty cluster, rendering reads nothing else of a snapshot.
  const empty = { children: [], pods: [], endpointSlices: [] }
  const snapshot = { authService, resolved, referencedSecrets, exposure, ...empty } as unknown as Snapshot
  const rendering = render(snapshot, images, secrets.secrets, undefined)
  const { rollout, placement } = planRollout(snapshot, { wanted: rendering.wanted, requested: new Map() }, now)
  const children = rendering.childrenFor(placement)
  return {
    children,
    outcome: new Map([
      ...children.flatMap(flattenChild),
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
 * Names of Jobs and revisions contain a hash of their content. Jobs are compared by that content, and revisions by the
 * Deployment that runs them.
 */
function flattenChild(child: Manifest): [string, string][] {
  if (child.kind === 'ControllerRevision') return []
  const name = child.metadata.name.replace(/-migrate-[0-9a-f]+$/, '-migrate')
  const content = { exists: true, ...child, metadata: { ...child.metadata, name } }
  return flatten(`${child.kind} ${name}:`, content).filter(([path]) => !path.endsWith(`.${revisionLabel}`))
}

/** Entries of a list are identified by their name, as containers and variables are, or by their position. */
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

/** The differences of two outcomes. */
export function changesBetween(one: Outcome, other: Outcome): string[] {
  const paths = new Set([...one.keys(), ...other.keys()])
  return [...paths].filter((path) => one.get(path) !== other.get(path)).sort()
}

/** The paths of all fields with a value of their own. An object counts by the fields below it. */
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
  // The API server checks the values against the schema, in the tests of manifests.
  return copy as AuthServiceSpec
}

function asRecord(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null)
    throw new Error('the path leads through a value that is not an object')
  // An object that structuredClone has copied from JSON has only string keys.
  return value as Record<string, unknown>
}
