import { isDeepStrictEqual } from 'node:util'
import type { ResolvedSpec } from '../authservice/api/resolved-spec.ts'
import { parseDuration } from '../authservice/api/units.ts'
import type { SecretManifest } from '../authservice/gather/cluster-reader.ts'
import { contentHash } from '../authservice/model/content-hash.ts'
import { controllerOf } from '../authservice/model/manifest.ts'
import { decodeSecretData } from '../authservice/model/secret-data.ts'
import { earliest, later } from '../authservice/secrets/key-order.ts'
import { refusalOf } from './admission.ts'
import type { AuthClient } from './api/schema.ts'
import { type CachedClient, rotateAnnotation } from './cached-client.ts'
import { clientIdOf, entryOf, logsUsersIn, methodOf } from './client-entry.ts'
import {
  acceptedHashes,
  type CredentialsDecision,
  type CredentialsPolicy,
  decideCredentials,
  parseCredentials,
} from './credentials.ts'
import { clientLabel, recordAnnotation } from './credentials-secret.ts'
import { receiversOf } from './logout-receiver.ts'
import type { Publication } from './publications.ts'
import type { Reason } from './reasons.ts'

/** Who issues the tokens of the cluster's ServiceAccounts, or why that is unknown, without a full stop. */
export type ObservedIssuer = { issuer: string; problem?: never } | { issuer?: never; problem: string }

/** Everything that one reconcile of an AuthClient sees. */
export interface ClientObservation {
  client: CachedClient
  /** The AuthService that it names, with its defaults; undefined if it does not exist. */
  authService: ResolvedSpec | undefined
  /** The Secret with the name of the credentials. */
  secret: SecretManifest | undefined
  publication: Publication
  issuer: ObservedIssuer
  /** Time after which servers that do not report it are assumed to have read a new client, in seconds. */
  loadSeconds: number
  now: Date
}

/** What a client is waiting for, or what is wrong with it. */
export interface Outcome {
  kind: 'ready' | 'waiting' | 'stalled'
  reason: Reason
  message: string
}

export interface ClientDecision {
  outcome: Outcome
  /** The credentials to have; undefined: no Secret, or one that stays as it is. */
  credentials: CredentialsDecision | undefined
  /** Whether a Secret of the client is no longer needed. */
  removesSecret: boolean
  /** When time alone changes this decision. */
  nextChangeAt: Date | undefined
}

/** Every decision of a reconcile. @param newSecret 256 random bits in base64url */
export function decide(observation: ClientObservation, newSecret: () => string): ClientDecision {
  const { client, authService, secret } = observation
  const nothing = { credentials: undefined, removesSecret: false, nextChangeAt: undefined }
  const refusal = refusalOf(client, authService)
  if (refusal !== undefined) return { ...nothing, outcome: { kind: 'stalled', ...refusal } }
  const isForeign = secret !== undefined && !isOwn(secret, client)
  if (methodOf(client) !== 'Secret') {
    const { outcome, loadedAt } = publishedOutcome(observation, [])
    return { ...nothing, outcome, removesSecret: secret !== undefined && !isForeign, nextChangeAt: loadedAt }
  }
  if (isForeign) return { ...nothing, outcome: { kind: 'stalled', ...notOwned(secret) } }
  const existing = existingIn(secret)
  const loading = existing?.next === undefined ? undefined : loadingOf(observation, acceptedHashes(existing))
  const policy = policyOf(observation, loading?.kind === 'loaded')
  const credentials = decideCredentials(existing, policy, observation.now, newSecret)
  const { outcome, loadedAt } = publishedOutcome(observation, credentials.hashes)
  const dates = [credentials.nextChangeAt, loading?.loadedAt, loadedAt].filter((date) => date !== undefined)
  const [first, ...others] = dates
  return {
    outcome,
    credentials,
    removesSecret: false,
    nextChangeAt: first === undefined ? undefined : earliest(first, ...others),
  }
}

function existingIn(secret: SecretManifest | undefined) {
  if (secret === undefined) return undefined
  const { annotations, creationTimestamp = '' } = secret.metadata
  return parseCredentials(decodeSecretData(secret.data), annotations?.[recordAnnotation], creationTimestamp)
}

function policyOf({ client }: ClientObservation, isNextLoaded: boolean): CredentialsPolicy {
  const { rotationInterval, overlap = '24h' } = client.spec.authentication?.secret ?? {}
  return {
    rotationIntervalSeconds: rotationInterval === undefined ? undefined : parseDuration(rotationInterval),
    overlapSeconds: parseDuration(overlap),
    requested: client.metadata.annotations?.[rotateAnnotation]?.slice(0, 253) || undefined,
    isNextLoaded,
  }
}

/** The AuthClient controls the Secret; or a backup restored it, without its controller. */
function isOwn(secret: SecretManifest, { metadata }: CachedClient): boolean {
  const controller = controllerOf(secret)
  if (controller !== undefined) return controller.uid === metadata.uid
  return secret.metadata.labels?.[clientLabel] === metadata.name
}

function notOwned({ metadata }: SecretManifest): { reason: Reason; message: string } {
  return {
    reason: 'SecretNotOwned',
    message: `Secret ${metadata.name} exists and does not belong to this AuthClient, so the operator does not change it. Delete the Secret, or choose another name for the AuthClient.`,
  }
}

/** Whether servers have the client as it is now. */
function publishedOutcome(
  observation: ClientObservation,
  hashes: readonly string[],
): { outcome: Outcome; loadedAt: Date | undefined } {
  const { client, publication, issuer } = observation
  if (methodOf(client) === 'ServiceAccount' && issuer.problem !== undefined) {
    const message = `The operator cannot read from the API server who issues the tokens of ServiceAccounts: ${issuer.problem}.`
    return { outcome: { kind: 'waiting', reason: 'IssuerUnknown', message }, loadedAt: undefined }
  }
  if (publication.kind === 'refused') {
    const message = `The servers have no room for another client: their file has at most 1,000,000 bytes, which the clients in it use. Delete clients, or use another AuthService.`
    return { outcome: { kind: 'stalled', reason: 'TooManyClients', message }, loadedAt: undefined }
  }
  const id = clientIdOf(client)
  const can = logsUsersIn(client) ? `Users can log in with the client ID ${id}` : `The client ${id} can get tokens`
  const ready: Outcome = { kind: 'ready', reason: 'Ready', message: `${can}.` }
  // After a restart, the AuthService may be reconciled later. Its clients are then looked at again.
  const isPublished = publication.kind === 'unknown' || isPublishedAs(observation, hashes)
  if (isPublished && isSettled(client, hashes)) return { outcome: ready, loadedAt: undefined }
  const loading = loadingOf(observation, hashes)
  if (loading.kind === 'loaded') return { outcome: ready, loadedAt: undefined }
  return { outcome: { kind: 'waiting', reason: 'Progressing', message: loading.message }, loadedAt: loading.loadedAt }
}

/** Whether the servers have loaded a client. `loadedAt`: when this is assumed of servers that do not report it. */
type Loading = { kind: 'loaded'; loadedAt?: never } | { kind: 'loading'; message: string; loadedAt?: Date }

/** @param hashes of the secrets that servers should accept */
function loadingOf(observation: ClientObservation, hashes: readonly string[]): Loading {
  const { authService, publication, loadSeconds, now } = observation
  const loading = (message: string, loadedAt?: Date): Loading => ({
    kind: 'loading',
    message,
    ...(loadedAt !== undefined && { loadedAt }),
  })
  if (publication.kind !== 'published' || !isPublishedAs(observation, hashes)) {
    const why = authService?.suspend === true ? ' Its spec.suspend is set: remove it.' : ''
    return loading(`The AuthService has not handed the client to its servers yet.${why}`)
  }
  const { servers, without, isUnreported, since } = publication
  if (servers === 0) return loading('No server of the AuthService is ready.')
  if (without.length > 0)
    return loading(`${without.length} of ${servers} servers have not loaded it yet: ${without[0]}.`)
  const loadedAt = later(since, loadSeconds)
  if (isUnreported && now < loadedAt) return loading(`Servers read the client within ${loadSeconds} seconds.`, loadedAt)
  return { kind: 'loaded' }
}

/** Whether the file of the servers has the client as it is now. */
function isPublishedAs(observation: ClientObservation, hashes: readonly string[]): boolean {
  const { client, authService, publication, issuer } = observation
  if (publication.kind !== 'published' || authService === undefined) return false
  const tokenRules =
    issuer.issuer === undefined ? undefined : { issuer: issuer.issuer, audience: authService.tokens.issuer }
  return publication.entry === contentHash(entryOf(client, hashes, { tokenRules, receivers: receiversOf(authService) }))
}

function conditionOf({ status }: AuthClient, type: string) {
  return status?.conditions?.find((condition) => condition.type === type)
}

function isReady(client: AuthClient): boolean {
  return conditionOf(client, 'Ready')?.status === 'True'
}

/** Whether the status says that servers have the client as it is now. */
function isSettled(client: AuthClient, hashes: readonly string[]): boolean {
  return (
    isReady(client) &&
    conditionOf(client, 'Ready')?.reason === 'Ready' &&
    client.status?.observedGeneration === client.metadata.generation &&
    isDeepStrictEqual(client.status.secretHashes ?? [], hashes)
  )
}
