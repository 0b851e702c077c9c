import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { appUsers, secretKeys } from '@authservice-operator/contract/database-secrets.ts'
import type { MongoDbSecret } from './mongodb-users.ts'

export function readMongoDbSecret(directory: string): MongoDbSecret {
  return {
    adminPassword: required(directory, secretKeys.adminPassword),
    appUser: optional(directory, secretKeys.appUser) ?? appUsers[0],
    appPassword: required(directory, secretKeys.appPassword),
    otherPassword:
      optional(directory, secretKeys.nextAppPassword) ?? optional(directory, secretKeys.previousAppPassword),
  }
}

/** Every password that Redis must accept, the current one first. */
export function readRedisPasswords(directory: string): string[] {
  const others = [secretKeys.nextPassword, secretKeys.previousPassword]
  return [required(directory, secretKeys.password), ...others.flatMap((key) => optional(directory, key) ?? [])]
}

/**
 * Waits until the mounted Secret has this stage of a rotation: a volume can lag behind its Secret by a minute.
 *
 * @throws at the deadline
 */
export async function untilRotation(directory: string, expected: string, patienceMilliseconds: number): Promise<void> {
  const deadline = performance.now() + patienceMilliseconds
  while (optional(directory, secretKeys.rotation) !== expected) {
    if (performance.now() >= deadline) {
      throw new Error(`${directory} does not contain rotation ${expected} yet: the Job will retry`)
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
