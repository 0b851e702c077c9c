import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import bcrypt from 'bcrypt'
import { execa } from 'execa'
import { MongoClient, ObjectId } from 'mongodb'
import { Agent, type Dispatcher, request } from 'undici'
import type { UserDocument } from '../../api-server/plugins/app/users/user.ts'
import { onCore } from './cores.ts'

/** The cost of the preset `production`. */
export const bcryptCost = 12
/** The password of all users. */
export const password = 'correct horse battery'

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

/** How long one password hash of the server takes on the core when nothing else runs there, and its CPU time. */
export async function hashTime(core: number | undefined): Promise<{ millis: number; cpuMillis: number }> {
  const [path, ...rest] = onCore(core, [process.execPath, join(import.meta.dirname, 'hash-time.ts')])
  const { stdout } = await execa(path, rest)
  return JSON.parse(stdout)
}

/** How many clients log in, and the code that each user sends after the password. */
interface LoginClients {
  clients: number
  /** The current code of the user's app. Without it, users have no second factor. */
  codeOf?: (email: string) => string
}

/** Returns each of the users in turn. */
export function inTurn(emails: readonly string[]): () => string {
  let next = 0
  return () => emails[next++ % emails.length] ?? ''
}

/**
 * Logs in without a pause until `signal` aborts, with the users in turn.
 *
 * @returns the number of logins, and logins per second between the end of the first and the end of the last
 * @throws when a login fails
 */
export async function logInUntil(
  signal: AbortSignal,
  origin: string,
  nextEmail: () => string,
  { clients, codeOf }: LoginClients,
): Promise<{ logins: number; loginsPerSecond: number }> {
  const ends: number[] = []
  const dispatcher = new Agent({ connections: clients })
  const logInRepeatedly = async () => {
    while (!signal.aborted) {
      const email = nextEmail()
      if (codeOf === undefined) await postJson(origin, '/v1/auth/login', { email, password }, 200, dispatcher)
      else {
        const mfa_token = await beginLogin(origin, email, dispatcher)
        const step = { mfa_token, method: 'totp', code: codeOf(email) }
        await postJson(origin, '/v1/auth/login/mfa', step, 200, dispatcher)
      }
      ends.push(performance.now())
    }
  }
  try {
    await Promise.all(Array.from({ length: clients }, logInRepeatedly))
  } finally {
    await dispatcher.close()
  }
  return { logins: ends.length, loginsPerSecond: perSecond(ends) }
}

/** The first step of a login of a user with a second factor. @returns its token */
export async function beginLogin(origin: string, email: string, dispatcher: Dispatcher): Promise<string> {
  const answer = await postJson(origin, '/v1/auth/login', { email, password }, 202, dispatcher)
  return JSON.parse(answer).mfa_token
}

/** @throws when the status differs */
async function postJson(
  origin: string,
  path: string,
  json: object,
  expected: number,
  dispatcher: Dispatcher,
): Promise<string> {
  const { statusCode, body } = await request(`${origin}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(json),
    dispatcher,
  })
  const answer = await body.text()
  if (statusCode !== expected) throw new Error(`POST ${path} was answered ${statusCode}: ${answer}`)
  return answer
}

/** Events per second. The first event only starts the clock, so that no fraction of an interval counts as a whole one. */
export function perSecond(momentsInMilliseconds: readonly number[]): number {
  const [first] = momentsInMilliseconds
  const last = momentsInMilliseconds.at(-1)
  if (first === undefined || last === undefined || first === last) throw new Error('too few events for a rate')
  return ((momentsInMilliseconds.length - 1) * 1000) / (last - first)
}
