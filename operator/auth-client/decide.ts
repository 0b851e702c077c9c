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
import { type CredentialsDecision, decideCredentials, hashOf, parseCredentials } from './credentials.ts'
import { clientLabel, recordAnnotation } from './credentials-secret.ts'
import type { Publication } from './publications.ts'
import type { Reason } from './reasons.ts'

/** Everything that one reconcile of an AuthClient sees. */
export interface ClientObservation {
  client: CachedClient
  /** The AuthService that it names, with its defaults; undefined if it does not exist. */
  authService: ResolvedSpec | undefined
  /** The Secret with the name of the credentials. */
  secret: SecretManifest | undefined
  publication: Publication
  /** Time that servers need to read a new client, in seconds. */
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
  const credentials = decideCredentials(existingIn(secret), policyOf(observation), observation.now, newSecret)
  const { outcome, loadedAt } = publishedOutcome(observation, credentials.hashes)
  const dates = [credentials.nextChangeAt, loadedAt].filter((date) => date !== undefined)
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

function policyOf({ client, secret, publication, loadSeconds }: ClientObservation) {
  const { rotationInterval, overlap = '24h' } = client.spec.authentication?.secret ?? {}
  const next = existingIn(secret)?.next
  return {
    rotationIntervalSeconds: rotationInterval === undefined ? undefined : parseDuration(rotationInterval),
    overlapSeconds: parseDuration(overlap),
    loadSeconds,
    requested: client.metadata.annotations?.[rotateAnnotation]?.slice(0, 253) || undefined,
    nextPublishedSince:
      next === undefined || publication.kind !== 'published' ? undefined : publication.secrets.get(hashOf(next)),
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

/** Whether servers have the client as it is, and for how long. */
function publishedOutcome(
  { client, authService, publication, loadSeconds, now }: ClientObservation,
  hashes: readonly string[],
): { outcome: Outcome; loadedAt: Date | undefined } {
  const id = clientIdOf(client)
  if (publication.kind === 'refused') {
    const message = `The servers have no room for another client: their file has at most 1,000,000 bytes, which the clients in it use. Delete clients, or use another AuthService.`
    return { outcome: { kind: 'stalled', reason: 'TooManyClients', message }, loadedAt: undefined }
  }
  const can = logsUsersIn(client) ? `Users can log in with the client ID ${id}` : `The client ${id} can get tokens`
  const message = `${can}. Servers read changes within two minutes.`
  const ready: Outcome = { kind: 'ready', reason: 'Ready', message }
  // After a restart, the AuthService may be reconciled later. Its clients are then looked at again.
  if (publication.kind === 'unknown' && isSettled(client, hashes)) return { outcome: ready, loadedAt: undefined }
  const waiting = (message: string): Outcome => ({ kind: 'waiting', reason: 'Progressing', message })
  if (publication.kind !== 'published' || publication.entry !== contentHash(entryOf(client, hashes))) {
    const why = authService?.suspend === true ? ' Its spec.suspend is set: remove it.' : ''
    return {
      outcome: waiting(`The AuthService has not handed the client to its servers yet.${why}`),
      loadedAt: undefined,
    }
  }
  const loadedAt = later(publication.since, loadSeconds)
  if (!isReady(client) && now < loadedAt) {
    return { outcome: waiting(`Servers read the client within ${loadSeconds} seconds.`), loadedAt }
  }
  return { outcome: ready, loadedAt: undefined }
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
