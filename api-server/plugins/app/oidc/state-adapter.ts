import { createHash } from 'node:crypto'
import type { Collection } from 'mongodb'
import { type Adapter, type AdapterPayload, errors } from 'oidc-provider'
import { isDuplicateKey } from '../../../duplicate-key.ts'

/** Something short-lived that the library stores: a login in a browser, an interaction, a code, a pushed request. */
export interface OidcState {
  /** Hash of the kind and of the ID, which for most kinds is a secret of the client. */
  _id: string
  kind: string
  /** JSON without the ID. */
  payload: string
  /** The session that it belongs to. */
  grantId?: string
  /** What the user enters for a device, in capital letters. */
  userCode?: string
  /** Time of the last poll of a device. */
  polledAt?: Date
  /** Identifies a login in a browser across changes of its ID. */
  uid?: string
  consumedAt?: Date
  expiresAt: Date
}

/** What anybody can have stored, with parameters of their choice. */
const boundedKinds: ReadonlySet<string> = new Set(['DeviceCode', 'Interaction', 'PushedAuthorizationRequest'])
/** A URL has at most 8 KiB, but the library accepts a pushed request of 56 KiB, which each use would store again. */
const maxRequestCharacters = 16_384

/** What happens around the storing and the use of states. */
export interface StateEvents {
  /** Before a state is stored that nobody must log in for. @throws OIDCProviderError if the address has stored too many */
  beforeAnonymous(): Promise<void>
  /** @param grantId the session of a code that is used for the first time */
  onFirstUse(grantId: string): Promise<void>
  /** @param grantId the session of a code that was used before */
  onSecondUse(grantId: string): Promise<void>
}

export type OidcStates = Collection<OidcState>

function idOf(kind: string, id: string): string {
  return createHash('sha256')
    .update(JSON.stringify([kind, id]))
    .digest('base64url')
}

/** Stores one kind of state. Of two uses of a code, one conditional write decides which one counts. */
export class StateAdapter implements Adapter {
  readonly #kind: string
  readonly #states: OidcStates
  readonly #events: StateEvents

  constructor(kind: string, states: OidcStates, events: StateEvents) {
    this.#kind = kind
    this.#states = states
    this.#events = events
  }

  async upsert(id: string, { jti, session, ...payload }: AdapterPayload, expiresIn = 0): Promise<void> {
    const expiresAt = new Date(Date.now() + expiresIn * 1000)
    const { grantId, uid, userCode } = payload
    // The pages of a device find it by the code of the user. The ID is only a part of what the device has.
    const known = userCode === undefined ? {} : { jti: id }
    const text = JSON.stringify({
      ...payload,
      ...known,
      ...(session !== undefined && { session: withoutCookie(session) }),
    })
    if (boundedKinds.has(this.#kind) && text.length > maxRequestCharacters) {
      throw new errors.InvalidRequest('the request is too long')
    }
    if (isAnonymous(this.#kind, payload)) await this.#events.beforeAnonymous()
    await this.#states.updateOne(
      { _id: idOf(this.#kind, id) },
      {
        $set: {
          kind: this.#kind,
          payload: text,
          expiresAt,
          ...(typeof grantId === 'string' && { grantId }),
          ...(typeof uid === 'string' && { uid }),
          ...(typeof userCode === 'string' && { userCode }),
        },
      },
      { upsert: true },
    )
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const found = await this.#states.findOne({ _id: idOf(this.#kind, id), expiresAt: { $gt: new Date() } })
    return found === null ? undefined : { ...payloadOf(found), jti: id }
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const found = await this.#states.findOne({ uid, kind: this.#kind, expiresAt: { $gt: new Date() } })
    return found === null ? undefined : payloadOf(found)
  }

  async findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    const found = await this.#states.findOne({ userCode, kind: this.#kind, expiresAt: { $gt: new Date() } })
    return found === null ? undefined : payloadOf(found)
  }

  /** @throws InvalidGrant for a second use, RFC 6749 section 4.1.2 */
  async consume(id: string): Promise<void> {
    const _id = idOf(this.#kind, id)
    const used = await this.#states.findOneAndUpdate(
      { _id, consumedAt: { $exists: false } },
      { $set: { consumedAt: new Date() } },
    )
    if (used !== null) {
      if (used.grantId !== undefined) await this.#events.onFirstUse(used.grantId)
      return
    }
    const found = await this.#states.findOne({ _id })
    if (found?.grantId !== undefined) await this.#events.onSecondUse(found.grantId)
    throw new errors.InvalidGrant('already used')
  }

  async destroy(id: string): Promise<void> {
    await this.#states.deleteOne({ _id: idOf(this.#kind, id) })
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await this.#states.deleteMany({ grantId, kind: this.#kind })
  }
}

/** Whether anybody can have it stored: the begin of a login, of a logout without one, or of a device, or a pushed request. */
function isAnonymous(kind: string, { result, accountId, inFlight, error, trusted }: AdapterPayload): boolean {
  switch (kind) {
    case 'Interaction':
      return result === undefined
    case 'Session':
      return accountId === undefined
    case 'DeviceCode':
      return accountId === undefined && inFlight === undefined && error === undefined
    case 'PushedAuthorizationRequest':
      // Whether the client has authenticated. For this kind it is a boolean, whatever the type says.
      return !trusted
    default:
      return false
  }
}

/** The ID of the login in the browser is the value of its cookie. Nothing reads this copy of it. */
function withoutCookie({ cookie, ...session }: NonNullable<AdapterPayload['session']>): object {
  return session
}

function payloadOf({ payload, consumedAt }: OidcState): AdapterPayload {
  return { ...JSON.parse(payload), ...(consumedAt !== undefined && { consumed: true }) }
}

/**
 * Records that something is used repeatedly, such as a device code. @param pause between two uses, in milliseconds
 * @returns false for a use that comes too early, at any server
 */
export async function noteUse(
  states: OidcStates,
  kind: string,
  id: string,
  pause: number,
  now: Date,
): Promise<boolean> {
  const { matchedCount } = await states.updateOne(
    { _id: idOf(kind, id), polledAt: { $not: { $gt: new Date(now.getTime() - pause) } } },
    { $set: { polledAt: now } },
  )
  return matchedCount === 1
}

/**
 * Records that something was used, such as an assertion of a client.
 * @param expiresAt time from which on it is refused in any case
 * @returns false if it was used before, on any server
 */
export async function useOnce(states: OidcStates, kind: string, id: string, expiresAt: Date): Promise<boolean> {
  try {
    await states.insertOne({ _id: idOf(kind, id), kind, payload: '{}', expiresAt })
    return true
  } catch (error) {
    if (isDuplicateKey(error)) return false
    throw error
  }
}
