import type { ResolvedSpec } from '../authservice/api/resolved-spec.ts'
import { timestamp } from '../authservice/model/timestamp.ts'
import { refusalOf } from './admission.ts'
import type { AuthClientStatus } from './api/status.ts'
import type { CachedClient } from './cached-client.ts'
import { clientIdOf, methodOf } from './client-entry.ts'
import { secretNameOf } from './credentials-secret.ts'
import type { ClientDecision, Outcome } from './decide.ts'
import { type LogoutOutcome, logoutOutcomeOf } from './logout-receiver.ts'
import type { Reason } from './reasons.ts'

/** Maximum length of a message, so that the cache keeps every status that the operator writes. */
const mostOfMessage = 1_000

type Condition = NonNullable<AuthClientStatus['conditions']>[number]

/** The status after a reconcile. An unchanged AuthClient has an unchanged status. */
export function statusOf(
  client: CachedClient,
  authService: ResolvedSpec | undefined,
  decision: ClientDecision,
  now: Date,
): AuthClientStatus {
  return {
    observedGeneration: client.metadata.generation,
    clientId: clientIdOf(client),
    ...(authService !== undefined &&
      refusalOf(client, authService) === undefined && { issuer: authService.tokens.issuer }),
    ...secretStatus(client, decision),
    conditions: conditionsOf(client, decision.outcome, logoutOutcomeOf(client, authService), now),
  }
}

/** While the AuthService refuses the client, its Secret and therefore this part stay as they are. */
function secretStatus(client: CachedClient, { credentials }: ClientDecision): Partial<AuthClientStatus> {
  if (methodOf(client) !== 'Secret') return {}
  if (credentials === undefined) {
    const { secretName, secretHashes, secretRotatedAt } = client.status ?? {}
    return {
      ...(secretName !== undefined && { secretName }),
      ...(secretHashes !== undefined && { secretHashes }),
      ...(secretRotatedAt !== undefined && { secretRotatedAt }),
    }
  }
  const { record } = credentials.credentials
  return {
    secretName: secretNameOf(client),
    secretHashes: credentials.hashes,
    secretRotatedAt: timestamp(new Date(record.createdAt)),
    ...(credentials.nextRotationAt && { nextSecretRotationAt: timestamp(credentials.nextRotationAt) }),
    ...(record.previous && { previousSecretUntil: timestamp(new Date(record.previous.until)) }),
  }
}

/** `Ready` stays true while a change of a client that servers have is on its way. */
function conditionsOf(
  client: CachedClient,
  { kind, reason, message }: Outcome,
  logout: LogoutOutcome | undefined,
  now: Date,
): Condition[] {
  const before = new Map(client.status?.conditions?.map((condition) => [condition.type, condition]))
  const condition = (type: string, isTrue: boolean, because: Reason, text: string): Condition => {
    const status = isTrue ? 'True' : 'False'
    const previous = before.get(type)
    return {
      type,
      status,
      observedGeneration: client.metadata.generation,
      lastTransitionTime: previous?.status === status ? previous.lastTransitionTime : timestamp(now),
      reason: because,
      message: text.slice(0, mostOfMessage),
    }
  }
  const wasReady = before.get('Ready')?.status === 'True'
  return [
    condition('Ready', kind === 'ready' || (kind === 'waiting' && wasReady), reason, message),
    condition(
      'Reconciling',
      kind === 'waiting',
      kind === 'waiting' ? reason : 'Settled',
      kind === 'waiting' ? message : 'Nothing is left to do for this generation.',
    ),
    condition(
      'Stalled',
      kind === 'stalled',
      kind === 'stalled' ? reason : 'NotStalled',
      kind === 'stalled' ? message : 'No problem requires action by a user.',
    ),
    ...(logout === undefined ? [] : [condition('BackchannelLogout', logout.isAdmitted, logout.reason, logout.message)]),
  ]
}
