import { resolveSpec } from './api/defaults.ts'
import type { ResolvedSpec } from './api/resolved-spec.ts'
import type { AuthService } from './api/schema.ts'
import { wasApplied } from './apply/field-owner.ts'
import type { Manifest } from './apply/plan.ts'
import { controllerOf } from './child-index.ts'
import type { AuthServiceKey, Cluster, SecretManifest } from './cluster.ts'
import { contentOf } from './edge-reports.ts'
import { gatewayControllersOf, type HttpRoute, ingressClassOf } from './front.ts'
import { loadedKeys } from './loaded-keys.ts'
import { nginxConfig } from './resources/nginx-config.ts'
import { isWatched, queryOf } from './rollout/watch.ts'
import { isKeyHeld } from './secrets/keys-secret.ts'
import { secretNames } from './secrets/names.ts'
import { decodeSecretData, type SecretData } from './secrets/secret-data.ts'
import { readServerMetrics } from './server-metrics.ts'
import { findChild, podsOf, type Snapshot } from './snapshot.ts'
import { referencedSecretNames } from './validate.ts'

/**
 * Reads everything that one visit needs: the AuthService and its children from caches, the Secrets that it refers to
 * from the API server.
 *
 * @returns undefined when the AuthService is gone
 */
export async function gather(key: AuthServiceKey, cluster: Cluster, now: Date): Promise<Snapshot | undefined> {
  const authService = cluster.cachedAuthService(key)
  if (authService === undefined || authService.metadata.deletionTimestamp !== undefined) return undefined

  const resolved = resolveSpec(authService)
  const { namespace, name } = authService.metadata
  const cached = cluster.cachedChildren(authService)
  const [unseen, referencedSecrets] = await Promise.all([
    readUnseenSecrets(authService, resolved, cached, cluster),
    readSecrets(namespace, referencedSecretNames(resolved), cluster),
  ])
  const children = [...cached, ...unseen]
  const ownSecrets = new Map(
    children.filter(isSecret).map(({ metadata, data }) => [metadata.name, decodeSecretData(data)]),
  )
  const pods = cluster.cachedPods(authService)
  const keyIsHeld = isKeyHeld(ownSecrets.get(secretNames(name).keys), resolved, now)
  const isAsked = keyIsHeld || isWatched(authService.status, resolved)
  const serverMetrics = isAsked
    ? await readServerMetrics(podsOf({ pods }, 'server'), (url) => cluster.readFromPod(url))
    : undefined
  const query = queryOf({ authService, resolved, pods })
  const volume = `data-${name}-mongodb-0`
  const hasPasswords = ownSecrets.has(secretNames(name).mongodb)
  const mayBeOrphaned = keepsData(resolved) && !hasPasswords
  const mayBeKept = resolved.mongodb.source.kind === 'external' && hasPasswords
  return {
    authService,
    resolved,
    children,
    pods,
    endpointSlices: cluster.cachedEndpointSlices(authService),
    edgeRefusal: askEdge(authService, resolved, pods, cluster),
    front: {
      availabilities: cluster.availabilities(),
      ingressClass: ingressClassOf(resolved.ingress, cluster.cachedIngressClasses()),
      gatewayControllers: gatewayControllersOf(findChild<HttpRoute>({ children }, 'HTTPRoute', name)),
    },
    ownSecrets,
    referencedSecrets,
    serverMetrics,
    prometheus: query === undefined ? undefined : await cluster.askPrometheus(namespace, query),
    loadedKeys: keyIsHeld && serverMetrics !== undefined ? loadedKeys(serverMetrics) : undefined,
    orphanedVolume: mayBeOrphaned && (await cluster.volumeClaimExists(namespace, volume)) ? volume : undefined,
    keptVolume: mayBeKept && (await cluster.volumeClaimExists(namespace, volume)) ? volume : undefined,
    missingBackupVolume: await findMissingClaim(namespace, resolved.backup?.claimName, cluster),
  }
}

async function findMissingClaim(namespace: string, name: string | undefined, cluster: Cluster) {
  return name === undefined || (await cluster.volumeClaimExists(namespace, name)) ? undefined : name
}

function askEdge(authService: AuthService, resolved: ResolvedSpec, pods: Snapshot['pods'], cluster: Cluster) {
  if (resolved.ingress.type !== 'Nginx') return undefined
  const edge = podsOf({ pods }, 'edge').filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  const places = edge.map(({ metadata, status }) => ({ name: metadata.name, address: status?.podIP }))
  const inOrder = places.sort((one, other) => (one.name < other.name ? -1 : 1))
  return cluster.edgeRefusal(authService, contentOf(nginxConfig(resolved)), inOrder)
}

/**
 * The operator's own Secrets that the cache does not show, though they exist: the cache lags behind, or somebody took
 * the label away that the cache selects by. Taking them for missing would replace keys and passwords that are in use.
 * Of an AuthService that nothing was reported about nothing is expected: should one be there, making it is refused.
 */
async function readUnseenSecrets(
  { metadata, status }: AuthService,
  resolved: ResolvedSpec,
  cached: readonly Manifest[],
  cluster: Cluster,
): Promise<SecretManifest[]> {
  if (status?.conditions === undefined) return []
  const seen = new Set(cached.filter(isSecret).map((secret) => secret.metadata.name))
  const unseen = expectedSecrets(metadata.name, resolved).filter((name) => !seen.has(name))
  const live = await Promise.all(unseen.map((name) => cluster.readSecret(metadata.namespace, name)))
  return live.filter((secret) => secret !== undefined).filter((secret) => isOurs(secret, metadata.uid))
}

function expectedSecrets(name: string, { tokens, redis, mongodb, ingress }: ResolvedSpec): string[] {
  const names = secretNames(name)
  return [
    ...(tokens.signingKeys.kind === 'generated' ? [names.keys] : []),
    names.emailHash,
    ...(redis.kind === 'managed' ? [names.redis] : []),
    ...(mongodb.source.kind === 'managed' ? [names.mongodb] : []),
    ...(ingress.type === 'Nginx' && ingress.tls.kind === 'selfSigned' ? [names.edgeTls] : []),
  ]
}

async function readSecrets(
  namespace: string,
  names: readonly string[],
  cluster: Cluster,
): Promise<ReadonlyMap<string, SecretData>> {
  const found = await Promise.all(
    [...new Set(names)].map(async (name) => ({ name, secret: await cluster.readSecret(namespace, name) })),
  )
  return new Map(
    found.flatMap(({ name, secret }) => (secret === undefined ? [] : [[name, decodeSecretData(secret.data)] as const])),
  )
}

function keepsData({ mongodb: { source } }: ResolvedSpec): boolean {
  return source.kind === 'managed' && !source.storage.ephemeral
}

function isSecret(child: Manifest): child is SecretManifest {
  return child.kind === 'Secret'
}

/** It is controlled by the AuthService; or by nobody, because somebody took the owner away of what the operator made. */
function isOurs(secret: SecretManifest, uid: string): boolean {
  const controller = controllerOf(secret)
  return controller === undefined ? wasApplied(secret) : controller.uid === uid
}
