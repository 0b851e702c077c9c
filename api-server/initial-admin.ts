import bcrypt from 'bcrypt'
import type { Db } from 'mongodb'
import type { Config } from './config.ts'
import { faultOf } from './plugins/app/passwords/password-rules.ts'
import { UserStore } from './plugins/app/users/store.ts'
import { roleOf, type StoredUser, type UserDocument } from './plugins/app/users/user.ts'

/** Recorded with the migrations: once is for ever, or a renamed administrator would come back with the first password. */
const recordId = 'initial-admin'

export type AdminOutcome = 'made' | 'promoted' | 'unchanged'

/**
 * Makes the administrator of INITIAL_ADMIN_EMAIL, once in the life of a database and only while there is no other one.
 * @returns undefined when there was nothing to do
 * @throws when the password is one that registering would refuse
 */
export async function ensureInitialAdmin(db: Db, config: Config): Promise<AdminOutcome | undefined> {
  if (config.initialAdmin === undefined) return undefined
  const records = db.collection<{ _id: string; at: Date }>('migrations')
  if ((await records.findOne({ _id: recordId })) !== null) return undefined
  const users = db.collection<UserDocument>(config.mongodb.usersCollection)
  const another = await users.findOne({ role: 'admin', is_active: { $ne: false } }, { projection: { _id: 1 } })
  const outcome =
    another === null ? await makeAdmin(db, config, { ...config.initialAdmin, name: 'Administrator' }) : undefined
  await records.updateOne({ _id: recordId }, { $setOnInsert: { at: new Date() } }, { upsert: true })
  return outcome
}

/** @throws with a sentence for the operator when the password is refused, or the email belongs to somebody */
export async function makeAdmin(
  db: Db,
  config: Config,
  { email, password, name, promote = false }: { email: string; password: string; name: string; promote?: boolean },
): Promise<AdminOutcome> {
  const users = new UserStore(db.collection<UserDocument>(config.mongodb.usersCollection))
  const existing = await users.findByEmail(email)
  if (existing !== null) return promoted(users, existing, promote)
  const rules = { leastBytes: config.passwordMinLength, words: config.passwordWords }
  const fault = faultOf(password, rules, { email, name })
  if (fault !== undefined) {
    throw new Error(`The password of the administrator is refused: ${fault}. Choose another one and start this again.`)
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
    // Another runner at the same time.
    const made = await users.findByEmail(email)
    if (made === null || roleOf(made) !== 'admin') throw error
    return 'unchanged'
  }
}

async function promoted(users: UserStore, user: StoredUser, promote: boolean): Promise<AdminOutcome> {
  if (roleOf(user) === 'admin') return 'unchanged'
  if (!promote) {
    throw new Error(
      'A user with this email exists and is no administrator. To make it one: npm run admin -- create --promote',
    )
  }
  await users.change(user._id, { role: 'admin' })
  return 'promoted'
}
