import { fileRevision } from '@authservice-operator/contract/file-revision.ts'
import { resolveSpec } from '../api/defaults.ts'
import type { ResolvedSpec } from '../api/resolved-spec.ts'
import type { AuthService } from '../api/schema.ts'
import { mayBeAdopted } from '../apply/field-owner.ts'
import type { AuthServiceKey } from '../model/auth-service-key.ts'
import { gatewayControllersOf, type HttpRoute, ingressClassOf } from '../model/exposure.ts'
import { loadedKeys } from '../model/loaded-keys.ts'
import { controllerOf, type Manifest } from '../model/manifest.ts'
import { decodeSecretData, type SecretData } from '../model/secret-data.ts'
import { findChild, podsOf, type Snapshot } from '../model/snapshot.ts'
import { nginxConfig } from '../resources/edge/nginx-config.ts'
import { isRolloutInProgress, queryOf } from '../rollout/analysis/watch.ts'
import { isKeyHeld } from '../secrets/keys-secret.ts'
import { secretNames } from '../secrets/names.ts'
import { clientsFileOf, logoutCaOf, oidcClientsFile } from '../secrets/oidc-clients.ts'
import { referencedSecretNames } from '../validate/secret-references.ts'
import { claimsOf, databaseClaim } from '../validate/terminating-claims.ts'
import { type CachedChild, withoutManagedFields } from './cache/cache-transforms.ts'
import type { ClusterReader, ObservedClients, SecretManifest, WantedClients } from './cluster-reader.ts'
import { loadedClientsOf } from './loaded-clients.ts'
import type { PodAddress } from './pod-poller.ts'
import { readServerMetrics } from './server-metrics.ts'
import { isUnreadyServer, withProblems } from './unready-pods.ts'

/**
 * Reads everything that one reconcile needs: the AuthService and its children from caches, and the Secrets that it
 * refers to from the API server.
 *
 * @returns undefined if the AuthService is gone
 */
export async function gather(key: AuthServiceKey, reader: ClusterReader, now: Date): Promise<Snapshot | undefined> {
  const authService = reader.cachedAuthService(key)
  if (authService === undefined || authService.metadata.deletionTimestamp !== undefined) return undefined

  const resolved = resolveSpec(authService)
  const { namespace, name } = authService.metadata
  const cached = await readCut(reader.cachedChildren(authService), reader)
  const volume = databaseClaim(name)
  const named = referencedSecretNames(resolved)
  reader.expectSecrets(authService, named) // before they are read, so that no change is missed
  const [unseen, referencedSecrets] = await Promise.all([
    readUnseenSecrets(authService, resolved, cached, reader),
    readSecrets(namespace, named, reader),
  ])
  const children = [...cached, ...unseen]
  const ownSecrets = new Map(
    children.filter(isSecret).map(({ metadata, data }) => [metadata.name, decodeSecretData(data)]),
  )
  const cachedPods = reader.cachedPods(authService)
  const clientsFile = ownSecrets.get(secretNames(name).oidcClients)?.[oidcClientsFile]
  const clientsRevision =
    resolved.oidc === undefined || clientsFile === undefined ? undefined : fileRevision(clientsFile)
  const serverReports = reader.serverReports(authService, serverPodsOf(cachedPods, authService), clientsRevision)
  const pods = withProblems(cachedPods, serverReports)
  const keyIsHeld = isKeyHeld(ownSecrets.get(secretNames(name).keys), resolved, now)
  const isAsked = keyIsHeld || isRolloutInProgress(authService.status)
  const serverMetrics = isAsked
    ? await readServerMetrics(podsOf({ pods }, 'server'), (url, mostBytes) => reader.readFromPod(url, mostBytes))
    : undefined
  const query = queryOf({ authService, resolved, pods })
  const hasPasswords = ownSecrets.has(secretNames(name).mongodb)
  const mayBeKept = resolved.mongodb.source.kind === 'external' && hasPasswords
  const claims = await readClaims(namespace, [...(mayBeKept ? [volume] : []), ...claimsOf(name, resolved)], reader)
  const isMissing = (claim: string | undefined) => claim !== undefined && claims.get(claim) === undefined
  return {
    authService,
    observedAt: now,
    resolved,
    children,
    pods,
    orphans: reader.cachedOrphans(authService),
    endpointSlices: reader.cachedEndpointSlices(authService),
    edgeRefusal: askEdge(authService, resolved, pods, reader),
    exposure: {
      availabilities: reader.availabilities(),
      ingressClass: ingressClassOf(resolved.ingress, reader.cachedIngressClasses()),
      gatewayControllers: gatewayControllersOf(findChild<HttpRoute>({ children }, 'HTTPRoute', name)),
    },
    ownSecrets,
    clientsRevision,
    oidcClients: readClients(
      authService,
      { file: clientsFile, servers: loadedClientsOf(authService, pods, serverReports) },
      logoutCaOf(resolved, referencedSecrets),
      reader,
      now,
    ),
    referencedSecrets,
    serverReports,
    serverMetrics,
    prometheus: query === undefined ? undefined : await reader.queryPrometheus(namespace, query),
    loadedKeys: keyIsHeld && serverMetrics !== undefined ? loadedKeys(serverMetrics) : undefined,
    keptVolume: mayBeKept && !isMissing(volume) ? volume : undefined,
    missingBackupVolume: isMissing(resolved.backup?.claimName) ? resolved.backup?.claimName : undefined,
    readClaims: claimsOf(name, resolved),
    terminatingClaims: claimsOf(name, resolved).flatMap((claim) => {
      const { metadata, spec } = claims.get(claim) ?? {}
      return metadata?.deletionTimestamp === undefined ? [] : [{ name: claim, volume: spec?.volumeName }]
    }),
  }
}

/** The clients that the servers should have. Reports those that they have. */
function readClients(
  authService: AuthService,
  observed: Omit<ObservedClients, 'refused'>,
  logoutCa: string | undefined,
  reader: ClusterReader,
  now: Date,
): Snapshot['oidcClients'] {
  const { file } = observed
  const known = reader.oidcClients(authService, file)
  const wanted = known === undefined ? undefined : clientsFileOf(known.clients, file, besideClients(known, logoutCa))
  reader.observeClients(authService, { ...observed, refused: wanted?.refused ?? [] }, now)
  return known === undefined || wanted === undefined
    ? undefined
    : { count: known.clients.length, content: wanted.content }
}

/** What the file has besides clients. The CA is of no use to servers that send no logout tokens. */
function besideClients({ clients: _, ...others }: WantedClients, logoutCa: string | undefined) {
  return others.logoutReceivers === undefined || logoutCa === undefined ? others : { ...others, logoutCa }
}

/** Maximum number of children without cached content that a reconcile reads; the others are treated as edited. */
const mostRead = 8

/** The children, with the content of those that are too long for the cache. These are read one by one, and not kept. */
async function readCut(children: readonly CachedChild[], reader: ClusterReader): Promise<Manifest[]> {
  const isCut = (child: CachedChild) => child.isCut === true
  // Secrets first: decisions depend on their content, which must never be treated as missing.
  const cut = children.filter(isCut).sort((one, other) => Number(isSecret(other)) - Number(isSecret(one)))
  const read: Manifest[] = []
  for (const child of cut.slice(0, mostRead)) {
    const live = await reader.readLive(child)
    if (live !== undefined) read.push(withoutManagedFields(live))
  }
  const unread = cut.slice(mostRead).filter((child) => !isSecret(child))
  return [...children.filter((child) => !isCut(child)), ...read, ...unread]
}

async function readClaims(namespace: string, names: readonly string[], reader: ClusterReader) {
  const read = names.map(async (name) => [name, await reader.readVolumeClaim(namespace, name)] as const)
  return new Map(await Promise.all(read))
}

/** Number of unready pods that come first: a few show what is wrong with all of them. */
const mostUnreadyFirst = 3

/**
 * Running server pods, in a fixed order. If there are too many to query all, these come first: a few that are not
 * ready, then those of the colour with the traffic.
 */
function serverPodsOf(pods: Snapshot['pods'], { metadata, status }: AuthService): PodAddress[] {
  const live = `${metadata.name}-${status?.activeColor ?? 'blue'}-`
  const rank = ({ name }: PodAddress) => (name.startsWith(live) ? 0 : 1)
  const servers = podsOf({ pods }, 'server').filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  const running = servers.filter(({ status }) => status?.phase === 'Running')
  const unready = addressesOf(running.filter(isUnreadyServer)).slice(0, mostUnreadyFirst)
  const isFirst = (pod: PodAddress) => unready.some(({ name }) => name === pod.name)
  const others = addressesOf(running).filter((pod) => !isFirst(pod))
  return [...unready, ...others.sort((one, other) => rank(one) - rank(other))]
}

function askEdge(authService: AuthService, resolved: ResolvedSpec, pods: Snapshot['pods'], reader: ClusterReader) {
  if (resolved.ingress.type !== 'Nginx') return undefined
  const edge = podsOf({ pods }, 'edge').filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  return reader.edgeRefusal(authService, fileRevision(nginxConfig(resolved)), addressesOf(edge))
}

/** Names and addresses of the pods that have an address, by name. */
function addressesOf(pods: Snapshot['pods']): PodAddress[] {
  return pods
    .flatMap(({ metadata: { name }, status }) => (status?.podIP === undefined ? [] : [{ name, address: status.podIP }]))
    .sort((one, other) => (one.name < other.name ? -1 : 1))
}

/**
 * The operator's own Secrets that exist, but are not in the cache: the cache lags behind, or a user removed the label
 * by which it selects. If they were treated as missing, keys and passwords in use would be replaced. For an AuthService
 * without a status, no Secret is expected: if one exists, its creation is rejected.
 */
async function readUnseenSecrets(
  { metadata, status }: AuthService,
  resolved: ResolvedSpec,
  cached: readonly Manifest[],
  reader: ClusterReader,
): Promise<SecretManifest[]> {
  if (status?.conditions === undefined) return []
  const seen = new Set(cached.filter(isSecret).map((secret) => secret.metadata.name))
  const unseen = expectedSecrets(metadata.name, resolved).filter((name) => !seen.has(name))
  const live = await Promise.all(unseen.map((name) => reader.readSecret(metadata.namespace, name)))
  return live.filter((secret) => secret !== undefined).filter((secret) => isOurs(secret, metadata))
}

function expectedSecrets(name: string, { tokens, mfa, oidc, redis, mongodb, ingress }: ResolvedSpec): string[] {
  const names = secretNames(name)
  return [
    ...(tokens.signingKeys.kind === 'generated' ? [names.keys] : []),
    ...(mfa.mode === 'Disabled' ? [] : [names.mfaKeys]),
    ...(oidc === undefined ? [] : [names.oidcKeys, names.oidcClients, names.identityProviders]),
    names.emailHash,
    names.edgeSecret,
    ...(redis.kind === 'managed' ? [names.redis] : []),
    ...(mongodb.source.kind === 'managed' ? [names.mongodb] : []),
    ...(ingress.type === 'Nginx' && ingress.tls.kind === 'selfSigned' ? [names.edgeTls, names.edgeCa] : []),
  ]
}

async function readSecrets(
  namespace: string,
  names: readonly string[],
  reader: ClusterReader,
): Promise<ReadonlyMap<string, SecretData>> {
  const found = await Promise.all(
    [...new Set(names)].map(async (name) => ({ name, secret: await reader.readSecret(namespace, name) })),
  )
  return new Map(
    found.flatMap(({ name, secret }) => (secret === undefined ? [] : [[name, decodeSecretData(secret.data)] as const])),
  )
}

function isSecret(child: Manifest): child is SecretManifest {
  return child.kind === 'Secret'
}

/**
 * The AuthService controls the Secret; or it has no controller, because a user removed the owner, or because it was
 * restored.
 */
function isOurs(secret: SecretManifest, { uid, name }: AuthService['metadata']): boolean {
  return controllerOf(secret)?.uid === uid || mayBeAdopted(secret, name)
}
