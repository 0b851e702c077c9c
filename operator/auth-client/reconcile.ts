import { isDeepStrictEqual } from 'node:util'
import { resolveSpec } from '../authservice/api/defaults.ts'
import type { ResolvedSpec } from '../authservice/api/resolved-spec.ts'
import type { AuthService } from '../authservice/api/schema.ts'
import type { SecretManifest } from '../authservice/gather/cluster-reader.ts'
import type { AuthServiceKey } from '../authservice/model/auth-service-key.ts'
import type { EventToRecord } from '../authservice/model/event.ts'
import type { Requeue } from '../kube/controller.ts'
import { KubeError } from '../kube/errors.ts'
import { keyOf, type ObjectKey } from '../kube/objects.ts'
import { authServiceOf } from './admission.ts'
import type { AuthClient } from './api/schema.ts'
import type { AuthClientStatus } from './api/status.ts'
import { clientIdOf } from './client-entry.ts'
import { statusOf } from './client-status.ts'
import { type CredentialsSecret, credentialsSecret, secretNameOf } from './credentials-secret.ts'
import { type ClientDecision, decide, type ObservedIssuer, type Outcome } from './decide.ts'
import { logoutOutcomeOf } from './logout-receiver.ts'
import type { Publication } from './publications.ts'

/** What a reconcile of an AuthClient reads and writes. */
export interface ClientCluster {
  cachedClient(key: ObjectKey): AuthClient | undefined
  cachedAuthService(key: AuthServiceKey): AuthService | undefined
  publicationOf(authService: ObjectKey, clientId: string): Publication
  serviceAccountIssuer(): ObservedIssuer
  /** Sets which Secret the client depends on: a change of it leads to a reconcile. undefined: none. */
  expectSecret(client: ObjectKey, secretName: string | undefined): void
  readSecret(namespace: string, name: string): Promise<SecretManifest | undefined>
  /** @throws KubeError `Conflict` if a Secret with this name exists that the reconcile has not seen */
  createSecret(secret: CredentialsSecret): Promise<void>
  applySecret(secret: CredentialsSecret): Promise<void>
  deleteSecret(secret: SecretManifest): Promise<void>
  /** Does nothing if the AuthClient is gone. */
  writeStatus(client: AuthClient, status: AuthClientStatus): Promise<void>
  recordEvent(regarding: AuthClient, event: EventToRecord): void
}

export interface ClientContext {
  cluster: ClientCluster
  /** 256 random bits in base64url. */
  newSecret: () => string
  /** Time after which servers that do not report it are assumed to have read a new client, in seconds. */
  loadSeconds: number
}

/**
 * Reconciles one AuthClient: its Secret, and its status, from which the reconcile of its AuthService takes the client.
 * Level-triggered: safe at any time and any number of times.
 */
export async function reconcileClient(key: ObjectKey, context: ClientContext, now: Date): Promise<Requeue> {
  const { cluster, loadSeconds } = context
  const client = cluster.cachedClient(key)
  if (client === undefined || client.metadata.deletionTimestamp !== undefined) {
    cluster.expectSecret(key, undefined)
    return { done: true } // Kubernetes deletes the Secret by its ownerReference
  }
  cluster.expectSecret(key, secretNameOf(client)) // before it is read, so that no change is missed
  const provider = authServiceOf(client)
  const authService = resolvedOf(cluster.cachedAuthService(provider))
  const secret = await cluster.readSecret(client.metadata.namespace, secretNameOf(client))
  const publication = cluster.publicationOf(keyOf({ metadata: provider }), clientIdOf(client))
  const issuer = cluster.serviceAccountIssuer()
  const decision = decide({ client, authService, secret, publication, issuer, loadSeconds, now }, context.newSecret)

  try {
    await writeSecret(client, authService, secret, decision, cluster)
  } catch (error) {
    if (isRefusal(error)) await report(client, authService, refusedBy(error, decision), context, now)
    throw error
  }
  await report(client, authService, decision, context, now)
  return requeueAt(decision.nextChangeAt, now)
}

/** A timer holds at most 2^31 milliseconds, and one reconcile a day costs nothing. */
const longestMilliseconds = 86_400_000

function requeueAt(date: Date | undefined, now: Date): Requeue {
  if (date === undefined) return { done: true }
  const milliseconds = date.getTime() - now.getTime()
  return { requeueAfterMilliseconds: Math.min(Math.max(1_000, milliseconds), longestMilliseconds) }
}

/** The API server will reject the same request again, until somebody acts. */
function isRefusal(error: unknown): error is KubeError {
  return error instanceof KubeError && [400, 403, 413, 422].includes(error.status)
}

/** The Secret, and therefore what servers need to know about it, stays as it is. */
function refusedBy({ message }: KubeError, decision: ClientDecision): ClientDecision {
  const outcome: Outcome = {
    kind: 'stalled',
    reason: 'SecretRefused',
    message: `The API server rejects the Secret: ${message}.`,
  }
  return { ...decision, credentials: undefined, outcome }
}

async function report(
  client: AuthClient,
  authService: ResolvedSpec | undefined,
  decision: ClientDecision,
  { cluster }: ClientContext,
  now: Date,
): Promise<void> {
  const status = statusOf(client, authService, decision, now)
  if (isDeepStrictEqual(status, client.status)) return
  await cluster.writeStatus(client, status)
  for (const event of [...eventsFor(client, decision), ...logoutEvents(client, authService)])
    cluster.recordEvent(client, event)
}

function resolvedOf(authService: AuthService | undefined): ResolvedSpec | undefined {
  return authService === undefined || authService.metadata.deletionTimestamp !== undefined
    ? undefined
    : resolveSpec(authService)
}

async function writeSecret(
  client: AuthClient,
  authService: ResolvedSpec | undefined,
  existing: SecretManifest | undefined,
  { credentials, removesSecret }: ClientDecision,
  cluster: ClientCluster,
): Promise<void> {
  if (removesSecret && existing !== undefined) return cluster.deleteSecret(existing)
  if (credentials === undefined || authService === undefined) return
  const desired = credentialsSecret(client, credentials.credentials, authService.tokens.issuer)
  if (existing === undefined) return cluster.createSecret(desired)
  if (!isAsDesired(existing, desired)) await cluster.applySecret(desired)
}

function isAsDesired({ metadata, data }: SecretManifest, desired: CredentialsSecret): boolean {
  const has = (actual: Record<string, string> = {}, wanted: Record<string, string> = {}) =>
    Object.entries(wanted).every(([name, value]) => actual[name] === value)
  return (
    isDeepStrictEqual(data, desired.data) &&
    has(metadata.labels, desired.metadata.labels) &&
    has(metadata.annotations, desired.metadata.annotations) &&
    metadata.ownerReferences?.some(({ uid }) => uid === desired.metadata.ownerReferences?.[0]?.uid) === true
  )
}

/** One event for each change of the secret, and one when the client becomes ready or cannot. */
function eventsFor({ status }: AuthClient, { outcome, credentials }: ClientDecision): EventToRecord[] {
  const before = status?.conditions?.find(({ type }) => type === 'Ready')
  const isNews = before?.reason !== outcome.reason
  return [
    ...(credentials?.why === undefined
      ? []
      : [{ type: 'Normal' as const, reason: 'SecretChanged', message: `The secret changes: ${credentials.why}.` }]),
    ...(isNews && outcome.kind === 'stalled'
      ? [{ type: 'Warning' as const, reason: outcome.reason, message: outcome.message }]
      : []),
    ...(isNews && outcome.kind === 'ready'
      ? [{ type: 'Normal' as const, reason: outcome.reason, message: outcome.message }]
      : []),
  ]
}

/** One event when the AuthService does not admit the receiver of logout tokens. */
function logoutEvents(client: AuthClient, authService: ResolvedSpec | undefined): EventToRecord[] {
  const outcome = logoutOutcomeOf(client, authService)
  const before = client.status?.conditions?.find(({ type }) => type === 'BackchannelLogout')
  if (outcome === undefined || outcome.isAdmitted || before?.reason === outcome.reason) return []
  return [{ type: 'Warning', reason: outcome.reason, message: outcome.message }]
}
