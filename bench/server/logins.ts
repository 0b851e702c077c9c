import { performance } from 'node:perf_hooks'
import bcrypt from 'bcrypt'
import { MongoClient, ObjectId } from 'mongodb'
import { Agent, request } from 'undici'
import type { UserDocument } from '../../api-server/plugins/app/users/user.ts'

/** The cost of the preset `production`. */
export const bcryptCost = 12
const password = 'correct horse battery'

/** Inserts users with the same password hash: registering them one by one would take minutes. @returns their emails */
export async function createUsers(mongoUrl: string, database: string, count: number): Promise<string[]> {
  const passwordHash = await bcrypt.hash(password, bcryptCost)
  const now = new Date()
  const users = Array.from(
    { length: count },
    (_, index): UserDocument => ({
      _id: new ObjectId(),
      email: `user-${index}@example.com`,
      password_hash: passwordHash,
      name: `User ${index}`,
      role: 'user',
      is_active: true,
      created_at: now,
      updated_at: now,
      last_login: now,
    }),
  )
  await using client = new MongoClient(mongoUrl)
  await client.db(database).collection<UserDocument>('users').insertMany(users)
  return users.map(({ email }) => email)
}

/**
 * Logs in without a pause until `signal` aborts, with one client for each email.
 *
 * @returns logins per second, between the end of the first and the end of the last
 * @throws when a login fails
 */
export async function logInUntil(signal: AbortSignal, origin: string, emails: readonly string[]): Promise<number> {
  const ends: number[] = []
  const dispatcher = new Agent({ connections: emails.length })
  const logInRepeatedly = async (email: string) => {
    while (!signal.aborted) {
      const { statusCode, body } = await request(`${origin}/v1/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email, password }),
        dispatcher,
      })
      const answer = await body.text()
      if (statusCode !== 200) throw new Error(`a login was answered ${statusCode}: ${answer}`)
      ends.push(performance.now())
    }
  }
  try {
    await Promise.all(emails.map(logInRepeatedly))
  } finally {
    await dispatcher.close()
  }
  return perSecond(ends)
}

/** Events per second. The first event only starts the clock, so that no fraction of an interval counts as a whole one. */
export function perSecond(momentsInMilliseconds: readonly number[]): number {
  const [first] = momentsInMilliseconds
  const last = momentsInMilliseconds.at(-1)
  if (first === undefined || last === undefined || first === last) throw new Error('too few events for a rate')
  return ((momentsInMilliseconds.length - 1) * 1000) / (last - first)
}
