import { otherUserOf } from '@authservice-operator/contract/database-secrets.ts'
import { type MongoClient, MongoServerError } from 'mongodb'

/** The content of a Secret of a managed MongoDB, read from its files. */
export interface MongoDbSecret {
  adminPassword: string
  /** The user with which servers authenticate. */
  appUser: string
  appPassword: string
  /** Password of the other user of the pair, while both are accepted. */
  otherPassword: string | undefined
}

/** @see https://www.mongodb.com/docs/manual/reference/error-codes/ */
const userExists = 51_003
const userNotFound = 11

/**
 * Makes MongoDB accept the passwords in the Secret. Removes no user, because the mounted Secret may be a minute old.
 * Safe to repeat.
 *
 * @param admin a client that is authenticated as the administrator
 */
export async function acceptUsers(admin: MongoClient, database: string, secret: MongoDbSecret): Promise<void> {
  const { appUser, appPassword, otherPassword } = secret
  await acceptUser(admin, database, appUser, appPassword)
  if (otherPassword !== undefined) await acceptUser(admin, database, otherUserOf(appUser), otherPassword)
}

/** Removes the other user of the pair, unless the Secret has a password for them. */
export async function refuseOthers(admin: MongoClient, { appUser, otherPassword }: MongoDbSecret): Promise<void> {
  if (otherPassword === undefined) await dropUser(admin, otherUserOf(appUser))
}

async function acceptUser(admin: MongoClient, database: string, user: string, pwd: string): Promise<void> {
  const roles = [{ role: 'readWrite', db: database }]
  const db = admin.db('admin')
  try {
    await db.command({ createUser: user, pwd, roles })
  } catch (error) {
    if (!(error instanceof MongoServerError && error.code === userExists)) throw error
    // The Secret decides: a user from an earlier start gets its password.
    await db.command({ updateUser: user, pwd, roles })
  }
}

async function dropUser(admin: MongoClient, user: string): Promise<void> {
  try {
    await admin.db('admin').command({ dropUser: user })
  } catch (error) {
    if (!(error instanceof MongoServerError && error.code === userNotFound)) throw error
  }
}
