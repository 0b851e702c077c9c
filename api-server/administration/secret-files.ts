import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { MongoDbSecret } from './mongodb-users.ts'

/** Keys of the Secrets with the passwords of managed databases; each is a file where the Secret is mounted. */
export const secretKeys = {
  /** `<stage>:<value>` while passwords are being rotated. */
  rotation: 'rotation',
  /** Redis. */
  password: 'password',
  nextPassword: 'next-password',
  previousPassword: 'previous-password',
  /** MongoDB. */
  adminPassword: 'admin-password',
  appUser: 'app-user',
  appPassword: 'app-password',
  nextAppPassword: 'next-app-password',
  previousAppPassword: 'previous-app-password',
} as const

/** Users who take turns: a MongoDB user has one password, so another password is another user. */
const pair = ['auth', 'auth-b'] as const

export function otherUserOf(user: string): string {
  return user === pair[0] ? pair[1] : pair[0]
}

export function readMongoDbSecret(directory: string): MongoDbSecret {
  return {
    adminPassword: required(directory, secretKeys.adminPassword),
    appUser: optional(directory, secretKeys.appUser) ?? pair[0],
    appPassword: required(directory, secretKeys.appPassword),
    otherPassword:
      optional(directory, secretKeys.nextAppPassword) ?? optional(directory, secretKeys.previousAppPassword),
  }
}

/** Every password that Redis is to accept, the one in use first. */
export function readRedisPasswords(directory: string): string[] {
  const others = [secretKeys.nextPassword, secretKeys.previousPassword]
  return [required(directory, secretKeys.password), ...others.flatMap((key) => optional(directory, key) ?? [])]
}

/**
 * Waits until the mounted Secret is of this stage of a rotation: a volume may lag behind its Secret for a minute.
 *
 * @throws at the deadline
 */
export async function untilRotation(directory: string, expected: string, patienceMilliseconds: number): Promise<void> {
  const deadline = performance.now() + patienceMilliseconds
  while (optional(directory, secretKeys.rotation) !== expected) {
    if (performance.now() >= deadline) {
      throw new Error(`${directory} is not of rotation ${expected} yet: it is tried again`)
    }
    await setTimeout(500)
  }
}

function optional(directory: string, key: string): string | undefined {
  const path = join(directory, key)
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined
}

function required(directory: string, key: string): string {
  const value = optional(directory, key)
  if (value === undefined || value === '') throw new Error(`${join(directory, key)} is missing`)
  return value
}
