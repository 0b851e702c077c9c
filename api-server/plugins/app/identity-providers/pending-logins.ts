import type { Collection } from 'mongodb'
import type { OidcState } from '../oidc/state-adapter.ts'
import { hashOf, newOpaqueToken } from '../opaque-token.ts'
import { mappedGroups } from './application-roles.ts'
import type { ExternalIdentity } from './external-identity.ts'
import type { ProviderUser } from './provider-claims.ts'
import type { LoginSecrets } from './provider-client.ts'

/** A login that a browser has begun at a provider, to log in here or to link an identity to the account of its user. */
export type PendingLogin = BegunLogin & (ForInteraction | ForAccount)

interface BegunLogin {
  provider: string
  /** Hash of a cookie of the browser. */
  browser: string
  nonce: string
  codeVerifier: string
}

interface ForInteraction {
  /** The interaction of the browser, to which the answer of the provider belongs. */
  interaction: string
  session?: undefined
}

interface ForAccount {
  interaction?: undefined
  /** The session whose user has shown that the account is theirs. */
  session: string
}

/** A user of a provider who has logged in there, and has no account here that is linked. */
export interface PendingLink {
  provider: string
  identity: ExternalIdentity
  /** Of the user, as `mappedGroups`. An earlier version has kept none. */
  groups?: string[]
}

/** Time for which a user may log in at the provider, in seconds. */
export const pendingLoginSeconds = 600
/** As long as an interaction. */
const pendingLinkSeconds = 1_800

/**
 * What this server remembers of a login between two requests. The browser knows `state`; the database its hash. Of two
 * answers with one `state`, a conditional write decides which one counts.
 */
export class PendingLogins {
  readonly #states: Collection<OidcState>

  /** @param states the collection that other short-lived states of logins are in; it removes them when they expire */
  constructor(states: Collection<OidcState>) {
    this.#states = states
  }

  /** @returns the `state` of the request */
  async begin(login: PendingLogin, now: Date): Promise<string> {
    const state = newOpaqueToken()
    await this.#states.insertOne({
      _id: loginId(state),
      kind: 'ProviderLogin',
      payload: JSON.stringify(login),
      expiresAt: new Date(now.getTime() + pendingLoginSeconds * 1000),
    })
    return state
  }

  /** Without using it up. */
  async find(state: string, now: Date): Promise<PendingLogin | undefined> {
    const found = await this.#states.findOne({ _id: loginId(state), expiresAt: { $gt: now } })
    return found === null ? undefined : JSON.parse(found.payload)
  }

  /** Uses it up. @returns undefined if it is unknown, has expired, or was used by another request */
  async take(state: string, now: Date): Promise<(PendingLogin & LoginSecrets) | undefined> {
    const found = await this.#states.findOneAndDelete({ _id: loginId(state), expiresAt: { $gt: now } })
    return found === null ? undefined : { ...JSON.parse(found.payload), state }
  }

  /** Remembers who has logged in at a provider, for the rest of an interaction. Replaces another one. */
  async keepLink(interaction: string, { provider, identity }: ProviderUser, now: Date): Promise<void> {
    const expiresAt = new Date(now.getTime() + pendingLinkSeconds * 1000)
    // The claims can be long, and nothing but the groups is read later.
    const link: PendingLink = {
      provider: provider.id,
      identity: { ...identity, claims: {} },
      groups: mappedGroups(provider, identity.claims),
    }
    const payload = JSON.stringify(link)
    await this.#states.updateOne(
      { _id: linkId(interaction) },
      { $set: { kind: 'ProviderLink', payload, expiresAt } },
      { upsert: true },
    )
  }

  async findLink(interaction: string, now: Date): Promise<PendingLink | undefined> {
    const found = await this.#states.findOne({ _id: linkId(interaction), expiresAt: { $gt: now } })
    return found === null ? undefined : JSON.parse(found.payload)
  }

  /** Uses it up. @returns undefined if there is none */
  async takeLink(interaction: string, now: Date): Promise<PendingLink | undefined> {
    const found = await this.#states.findOneAndDelete({ _id: linkId(interaction), expiresAt: { $gt: now } })
    return found === null ? undefined : JSON.parse(found.payload)
  }
}

const loginId = (state: string) => hashOf(JSON.stringify(['ProviderLogin', state]))
const linkId = (interaction: string) => hashOf(JSON.stringify(['ProviderLink', interaction]))
