import type { Db } from 'mongodb'

/** One change of the database that servers rely on. `expand` may run while the last version serves. */
export interface Migration {
  id: string
  phase: 'expand' | 'contract'
  up(db: Db, usersCollection: string): Promise<void>
}

/** Email addresses are compared without regard to case. */
export const emailCollation = { locale: 'en', strength: 2 } as const

/** In their order, for ever: an entry that was released is never changed. */
export const migrations: readonly Migration[] = [
  {
    id: '001-users',
    phase: 'expand',
    async up(db, usersCollection) {
      const users = db.collection(usersCollection)
      await users.createIndex({ email: 1 }, { name: 'email_unique', unique: true, collation: emailCollation })
      await users.createIndex({ last_login: 1 }, { name: 'last_login' })
      await users.createIndex({ created_at: 1 }, { name: 'created_at' })
    },
  },
  {
    id: '002-sessions',
    phase: 'expand',
    async up(db) {
      const sessions = db.collection('sessions')
      await sessions.createIndex({ userId: 1 }, { name: 'user' })
      await sessions.createIndex({ expiresAt: 1 }, { name: 'expiry', expireAfterSeconds: 0 })
    },
  },
  {
    id: '003-revocations',
    phase: 'expand',
    async up(db) {
      const revocations = db.collection('revocations')
      await revocations.createIndex({ changedAt: 1 }, { name: 'changes' })
      await revocations.createIndex({ unpublished: 1 }, { name: 'unpublished', sparse: true })
      await revocations.createIndex({ expiresAt: 1 }, { name: 'expiry', expireAfterSeconds: 0 })
    },
  },
  {
    id: '010-known-devices',
    phase: 'expand',
    async up(db) {
      const devices = db.collection('known_devices')
      await devices.createIndex({ userId: 1 }, { name: 'user' })
      await devices.createIndex({ expiresAt: 1 }, { name: 'expiry', expireAfterSeconds: 0 })
    },
  },
]
