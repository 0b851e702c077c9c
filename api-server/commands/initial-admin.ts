import bcrypt from 'bcrypt'
import type { Db } from 'mongodb'
import type { Config } from '../config/config.ts'
import { faultOf } from '../plugins/app/passwords/password-rules.ts'
import { canonicalEmail, isMailbox } from '../plugins/app/users/email.ts'
import { UserStore } from '../plugins/app/users/store.ts'
import { roleOf, type StoredUser, type UserDocument } from '../plugins/app/users/user.ts'

/**
 * Recorded with the migrations, so that it happens only once. Otherwise a renamed administrator would return with the
 * first password.
 */
const recordId = 'initial-admin'

export type AdminOutcome = 'made' | 'promoted' | 'unchanged'

/**
 * Creates the administrator of INITIAL_ADMIN_EMAIL, once for each database, and only if it has no other
 * administrator.
 * @returns undefined if there was nothing to do
 * @throws when the password would be refused at registration
 */
export async function ensureInitialAdmin(db: Db, config: Config): Promise<AdminOutcome | undefined> {
  if (config.initialAdmin === undefined) return undefined
  const records = db.collection<{ _id: string; at: Date }>('migrations')
  if ((await records.findOne({ _id: recordId })) !== null) return undefined
  const users = db.collection<UserDocument>(config.mongodb.usersCollection)
  const another = await new UserStore(users).hasAnotherAdmin(undefined)
  const outcome = another ? undefined : await makeAdmin(db, config, { ...config.initialAdmin, name: 'Administrator' })
  await records.updateOne({ _id: recordId }, { $setOnInsert: { at: new Date() } }, { upsert: true })
  return outcome
}

/** @throws with a message if the password is refused, or the email belongs to another user */
export async function makeAdmin(
  db: Db,
  config: Config,
  {
    email: given,
    password,
    name,
    promote = false,
  }: { email: string; password: string; name: string; promote?: boolean },
): Promise<AdminOutcome> {
  const users = new UserStore(db.collection<UserDocument>(config.mongodb.usersCollection))
  const email = canonicalEmail(given)
  if (email === undefined || email === '') throw new Error(noEmail(given))
  const existing = await users.findByEmail(email)
  if (existing !== null) return promoted(users, existing, promote)
  if (!isMailbox(email)) throw new Error(noEmail(given))
  const rules = { minBytes: config.passwordMinLength, words: config.passwordWords }
  const fault = faultOf(password, rules, { email, name })
  if (fault !== undefined) {
    throw new Error(
      `The password of the administrator is refused: ${fault}. Choose another password and run the command again.`,
    )
  }
  try {
    await users.register({
      email,
      name,
      passwordHash: await bcrypt.hash(password.normalize('NFC'), config.bcryptCost),
      role: 'admin',
    })
    return 'made'
  } catch (error) {
    // Another process ran at the same time.
    const made = await users.findByEmail(email)
    if (made === null || roleOf(made) !== 'admin') throw error
    return 'unchanged'
  }
}

function noEmail(given: string): string {
  return `"${given}" is not the address of one mailbox, such as admin@example.com.`
}

async function promoted(users: UserStore, user: StoredUser, promote: boolean): Promise<AdminOutcome> {
  if (roleOf(user) === 'admin') return 'unchanged'
  if (!promote) {
    throw new Error(
      'A user with this email exists and is not an administrator. To promote the user, run: npm run admin -- create --promote',
    )
  }
  await users.change(user._id, { role: 'admin' })
  return 'promoted'
}
