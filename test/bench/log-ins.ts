import { performance } from 'node:perf_hooks'
import bcrypt from 'bcrypt'
import { MongoClient, ObjectId } from 'mongodb'
import { Agent, request } from 'undici'
import type { UserDocument } from '../../api-server/plugins/app/users/user.ts'

/** Of production. */
export const bcryptCost = 12
export const password = 'correct horse battery'

/** Makes users with the same password, without the time that registering them one by one would take. */
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
 * Log-ins one after the other by as many clients as there are emails, until `signal`.
 * @returns how many each second, between the first that ended and the last
 * @throws when a log-in failed
 */
export async function logInUntil(signal: AbortSignal, origin: string, emails: readonly string[]): Promise<number> {
  const ends: number[] = []
  const dispatcher = new Agent({ connections: emails.length })
  const logIns = async (email: string) => {
    while (!signal.aborted) {
      const { statusCode, body } = await request(`${origin}/v1/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email, password }),
        dispatcher,
      })
      const answer = await body.text()
      if (statusCode !== 200) throw new Error(`a log-in was answered with ${statusCode}: ${answer}`)
      ends.push(performance.now())
    }
  }
  try {
    await Promise.all(emails.map(logIns))
  } finally {
    await dispatcher.close()
  }
  return perSecond(ends)
}

/** Events each second: the first one only starts the clock, so that no part of an interval is counted as a whole. */
export function perSecond(momentsInMilliseconds: readonly number[]): number {
  const [first] = momentsInMilliseconds
  const last = momentsInMilliseconds.at(-1)
  if (first === undefined || last === undefined || first === last) throw new Error('too few events for a rate')
  return ((momentsInMilliseconds.length - 1) * 1000) / (last - first)
}
