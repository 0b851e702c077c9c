import type { Db } from 'mongodb'
import { duplicateEmails } from './duplicate-emails.ts'
import { emailCollation } from './email-collation.ts'
import { ensureIndex, hasIndex, type WantedIndex } from './ensure-index.ts'

/**
 * One change of the database that servers rely on. `expand` may run while servers of the previous version serve.
 * `contract` removes what only they needed, and runs after they are gone. Both can be repeated.
 */
export interface Migration {
  id: string
  phase: 'expand' | 'contract'
  /** The record applies to one users' collection: another collection starts again. */
  perUsersCollection?: boolean
  /** What the step adds or removes, for users who check before it runs. */
  summary: string
  /** Why the step cannot run, one line for each problem. Changes nothing. */
  problems?(db: Db, usersCollection: string): Promise<string[]>
  up(db: Db, usersCollection: string): Promise<void>
  /** Whether the result that servers require still exists: a collection may be dropped or restored. */
  holds?(db: Db, usersCollection: string): Promise<boolean>
}

/** Without it, two users could have the same email. */
const uniqueEmails: WantedIndex = { name: 'email_unique', key: { email: 1 }, unique: true, collation: emailCollation }

const uniqueIdentities: WantedIndex = { name: 'identity', key: { issuer: 1, subject: 1 }, unique: true }

/** In order: a released entry never changes. */
export const migrations: readonly Migration[] = [
  {
    id: '001-users',
    phase: 'expand',
    perUsersCollection: true,
    summary: 'users: indexes on email (unique, ignoring case), last_login and created_at',
    problems: (db, usersCollection) => duplicateEmails(db.collection(usersCollection)),
    async up(db, usersCollection) {
      const users = db.collection(usersCollection)
      await ensureIndex(users, uniqueEmails)
      await ensureIndex(users, { name: 'last_login', key: { last_login: 1 } })
      await ensureIndex(users, { name: 'created_at', key: { created_at: 1 } })
    },
    holds: (db, usersCollection) => hasIndex(db.collection(usersCollection), uniqueEmails),
  },
  {
    id: '002-sessions',
    phase: 'expand',
    summary: 'sessions: indexes on user and expiry',
    async up(db) {
      const sessions = db.collection('sessions')
      await ensureIndex(sessions, { name: 'user', key: { userId: 1 } })
      await ensureIndex(sessions, { name: 'expiry', key: { expiresAt: 1 }, expireAfterSeconds: 0 })
    },
  },
  {
    id: '003-revocations',
    phase: 'expand',
    summary: 'revocations: indexes on changes, unpublished entries and expiry',
    async up(db) {
      const revocations = db.collection('revocations')
      await ensureIndex(revocations, { name: 'changes', key: { changedAt: 1 } })
      await ensureIndex(revocations, { name: 'unpublished', key: { unpublished: 1 }, sparse: true })
      await ensureIndex(revocations, { name: 'expiry', key: { expiresAt: 1 }, expireAfterSeconds: 0 })
    },
  },
  {
    id: '010-known-devices',
    phase: 'expand',
    summary: 'known_devices: indexes on user and expiry',
    async up(db) {
      const devices = db.collection('known_devices')
      await ensureIndex(devices, { name: 'user', key: { userId: 1 } })
      await ensureIndex(devices, { name: 'expiry', key: { expiresAt: 1 }, expireAfterSeconds: 0 })
    },
  },
  {
    id: '011-one-time-tokens',
    phase: 'expand',
    summary: 'one_time_tokens: indexes on user and expiry',
    async up(db) {
      const tokens = db.collection('one_time_tokens')
      await ensureIndex(tokens, { name: 'user', key: { userId: 1 } })
      await ensureIndex(tokens, { name: 'expiry', key: { expiresAt: 1 }, expireAfterSeconds: 0 })
    },
  },
  {
    id: '012-security-events',
    phase: 'expand',
    summary: 'security_events: indexes on user, event and expiry',
    async up(db) {
      const events = db.collection('security_events')
      await ensureIndex(events, { name: 'user', key: { userId: 1, _id: -1 } })
      await ensureIndex(events, { name: 'event', key: { event: 1, _id: -1 } })
      await ensureIndex(events, { name: 'expiry', key: { expiresAt: 1 }, expireAfterSeconds: 0 })
    },
  },
  {
    id: '013-admins',
    phase: 'expand',
    perUsersCollection: true,
    summary: 'users: a partial index of administrators',
    async up(db, usersCollection) {
      const admins = { role: 'admin' }
      await ensureIndex(db.collection(usersCollection), {
        name: 'admins',
        key: { role: 1 },
        partialFilterExpression: admins,
      })
    },
  },
  {
    id: '014-sessions-of-a-user',
    phase: 'expand',
    summary: 'sessions: indexes to find active sessions of a user, and the last revocation',
    async up(db) {
      const sessions = db.collection('sessions')
      await ensureIndex(sessions, { name: 'user_running', key: { userId: 1, revokedAt: 1, version: 1 } })
      await ensureIndex(sessions, { name: 'user_access_until', key: { userId: 1, accessUntil: -1 } })
      await ensureIndex(sessions, { name: 'user_expiry', key: { userId: 1, expiresAt: -1 } })
    },
  },
  {
    id: '015-registrations',
    phase: 'expand',
    summary: 'one_time_tokens: an index on emails of pending registrations',
    async up(db) {
      await ensureIndex(db.collection('one_time_tokens'), {
        name: 'registrations',
        key: { email: 1 },
        partialFilterExpression: { purpose: 'register' },
      })
    },
  },
  {
    id: '016-second-factors',
    phase: 'expand',
    summary: 'mfa_challenges: indexes on user and expiry',
    async up(db) {
      // second_factors has one document for each user, whose key is the user.
      const challenges = db.collection('mfa_challenges')
      await ensureIndex(challenges, { name: 'user', key: { userId: 1 } })
      await ensureIndex(challenges, { name: 'expiry', key: { expiresAt: 1 }, expireAfterSeconds: 0 })
    },
  },
  {
    id: '017-passkeys',
    phase: 'expand',
    summary: 'second_factors: a unique index on the IDs of factors',
    async up(db) {
      // Finds the user of a passkey, and keeps a passkey from belonging to two users.
      await ensureIndex(db.collection('second_factors'), { name: 'factors', key: { 'factors.id': 1 }, unique: true })
    },
  },
  {
    id: '018-openid-provider',
    phase: 'expand',
    summary: 'oauth_state: indexes on expiry, grant and login of the OpenID provider',
    async up(db) {
      const state = db.collection('oauth_state')
      await ensureIndex(state, { name: 'expiry', key: { expiresAt: 1 }, expireAfterSeconds: 0 })
      await ensureIndex(state, { name: 'grant', key: { grantId: 1 }, sparse: true })
      await ensureIndex(state, { name: 'uid', key: { uid: 1 }, sparse: true })
    },
  },
  {
    id: '019-types-of-factors',
    phase: 'expand',
    summary: 'second_factors: an index on the types of factors',
    async up(db) {
      // The operator asks every few seconds whether users have passkeys.
      await ensureIndex(db.collection('second_factors'), { name: 'types', key: { 'factors.type': 1 } })
    },
  },
  {
    id: '020-logout-notices',
    phase: 'expand',
    summary: 'sessions: an index on those of clients that are told when they end',
    async up(db) {
      // Sessions that ended and whose client does not know it yet: few at any time.
      await ensureIndex(db.collection('sessions'), {
        name: 'logout_notices',
        key: { revokedAt: 1, 'oauth.logoutNotice.dueAt': 1, 'oauth.clientId': 1 },
        partialFilterExpression: { 'oauth.logoutNotice.dueAt': { $exists: true } },
      })
    },
  },
  {
    id: '021-device-codes',
    phase: 'expand',
    summary: 'oauth_state: an index on the codes that users enter for devices',
    async up(db) {
      await ensureIndex(db.collection('oauth_state'), { name: 'user_code', key: { userCode: 1 }, sparse: true })
    },
  },
  {
    id: '022-identities',
    phase: 'expand',
    summary: 'identities: a unique index on identities at other providers, and an index on their users',
    async up(db) {
      const identities = db.collection('identities')
      // Without it, one identity could belong to two users.
      await ensureIndex(identities, uniqueIdentities)
      await ensureIndex(identities, { name: 'user', key: { userId: 1 } })
    },
    holds: (db) => hasIndex(db.collection('identities'), uniqueIdentities),
  },
]
