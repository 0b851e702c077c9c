import type { Db } from 'mongodb'
import { duplicateEmails } from './duplicate-emails.ts'
import { emailCollation } from './email-collation.ts'
import { ensureIndex } from './ensure-index.ts'

/**
 * One change of the database that servers rely on. `expand` may run while servers of the last version serve; `contract`
 * takes away what only they needed, and runs when they are gone. Each can be repeated.
 */
export interface Migration {
  id: string
  phase: 'expand' | 'contract'
  /** What is recorded as done holds for the one users' collection: another one starts again. */
  perUsersCollection?: boolean
  /** What it makes or takes away, for a person who looks before it runs. */
  summary: string
  /** Why it cannot run, in lines for the one who can mend it. Changes nothing. */
  problems?(db: Db, usersCollection: string): Promise<string[]>
  up(db: Db, usersCollection: string): Promise<void>
}

/** In their order, for ever: an entry that was released is never changed. */
export const migrations: readonly Migration[] = [
  {
    id: '001-users',
    phase: 'expand',
    perUsersCollection: true,
    summary: 'users: indexes of email (unique, whatever its case), last_login and created_at',
    problems: (db, usersCollection) => duplicateEmails(db.collection(usersCollection)),
    async up(db, usersCollection) {
      const users = db.collection(usersCollection)
      await ensureIndex(users, { name: 'email_unique', key: { email: 1 }, unique: true, collation: emailCollation })
      await ensureIndex(users, { name: 'last_login', key: { last_login: 1 } })
      await ensureIndex(users, { name: 'created_at', key: { created_at: 1 } })
    },
  },
  {
    id: '002-sessions',
    phase: 'expand',
    summary: 'sessions: indexes of the user and of the expiry',
    async up(db) {
      const sessions = db.collection('sessions')
      await ensureIndex(sessions, { name: 'user', key: { userId: 1 } })
      await ensureIndex(sessions, { name: 'expiry', key: { expiresAt: 1 }, expireAfterSeconds: 0 })
    },
  },
  {
    id: '003-revocations',
    phase: 'expand',
    summary: 'revocations: indexes of changes, of what is not published and of the expiry',
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
    summary: 'known_devices: indexes of the user and of the expiry',
    async up(db) {
      const devices = db.collection('known_devices')
      await ensureIndex(devices, { name: 'user', key: { userId: 1 } })
      await ensureIndex(devices, { name: 'expiry', key: { expiresAt: 1 }, expireAfterSeconds: 0 })
    },
  },
  {
    id: '011-one-time-tokens',
    phase: 'expand',
    summary: 'one_time_tokens: indexes of the user and of the expiry',
    async up(db) {
      const tokens = db.collection('one_time_tokens')
      await ensureIndex(tokens, { name: 'user', key: { userId: 1 } })
      await ensureIndex(tokens, { name: 'expiry', key: { expiresAt: 1 }, expireAfterSeconds: 0 })
    },
  },
  {
    id: '012-security-events',
    phase: 'expand',
    summary: 'security_events: indexes of the user, of the event and of the expiry',
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
    summary: 'users: a small index of the administrators',
    async up(db, usersCollection) {
      const admins = { role: 'admin' }
      await ensureIndex(db.collection(usersCollection), {
        ...{ name: 'admins', key: { role: 1 }, partialFilterExpression: admins },
      })
    },
  },
]
