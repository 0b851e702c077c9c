import { otherUserOf, secretKeys } from '@authservice-operator/contract/database-secrets.ts'
import type { SecretData } from '../model/secret-data.ts'

/**
 * Stage of a password rotation. `adding`: the new password is added to the database, and the old one is in use.
 * `switched`: the new one is in use, and both are accepted. `removing`: the old one is removed from the database.
 */
type RotationStage = 'adding' | 'switched' | 'removing'

/** Input of a rotation decision, in addition to the Secret itself. */
export interface RotationObservation {
  /** Value of a requested `rotate-passwords` that has not been taken yet. */
  requested: string | undefined
  /** The databases accept exactly the passwords in their Secrets. */
  databasesDone: boolean
  /** No server pod is left that started with an earlier password. */
  podsDone: boolean
  now: Date
}

/** Keys in a Secret: those of a password, those of the password that is not in use, and those that depend on it. */
export interface RotatedKeys {
  current: string
  next: string
  previous: string
  /** If a password belongs to its own user: the key that names the user in use. */
  user?: string
}

export const redisKeys: RotatedKeys = {
  current: secretKeys.password,
  next: secretKeys.nextPassword,
  previous: secretKeys.previousPassword,
}
export const mongodbKeys: RotatedKeys = {
  current: secretKeys.appPassword,
  next: secretKeys.nextAppPassword,
  previous: secretKeys.previousAppPassword,
  user: secretKeys.appUser,
}

/**
 * Key whose value changes whenever a missing password was generated: it restarts the database and the servers with the
 * current content of the Secret. A rotation does not change it, because it updates them in another way.
 */
export const originKey = 'origin'

/** State of rotations in the Secret, in addition to the stage. */
export const rotationRecordKeys = { changedAt: 'changed-at', rotatedBy: 'rotated-by' } as const

/**
 * Volumes of Secrets lag by about a minute. Until then, a restarted database reads the previous Secret, so the operator
 * changes the passwords of the database, and removes an old password, only after this time.
 */
export const settleMilliseconds = 120_000

export interface Rotation {
  stage: RotationStage
  /** The action that requested it. */
  value: string
}

export function rotationOf(data: SecretData | undefined): Rotation | undefined {
  const [, stage, value = ''] = /^(adding|switched|removing):(.*)$/s.exec(data?.[secretKeys.rotation] ?? '') ?? []
  // The pattern allows only these three.
  return stage === undefined ? undefined : { stage: stage as RotationStage, value }
}

/**
 * The origin of the password in use: when it was generated, and the last rotation. undefined: an earlier version
 * generated it.
 */
export function generationOf(data: SecretData | undefined): string | undefined {
  const rotation = rotationOf(data)
  const isRotated = rotation !== undefined && rotation.stage !== 'adding'
  const parts = [data?.[originKey], isRotated ? rotation.value : data?.[rotationRecordKeys.rotatedBy]]
  return parts.some((part) => part !== undefined) ? parts.filter((part) => part !== undefined).join('/') : undefined
}

/** The keys that a rotation adds to a Secret. */
export function rotationKeys({ next, previous, user }: RotatedKeys): string[] {
  const own = [
    originKey,
    secretKeys.rotation,
    rotationRecordKeys.changedAt,
    rotationRecordKeys.rotatedBy,
    next,
    previous,
  ]
  return user === undefined ? own : [...own, user]
}

/** Result of one reconcile for a Secret with a password. */
export interface RotationStep {
  data: SecretData
  /** undefined: nothing changes. */
  why: string | undefined
  /** When time alone allows the next step. */
  nextChangeAt: Date | undefined
}

/**
 * Takes the next step of a rotation, if it is possible. A step depends only on the Secret and on observations, so an
 * operator that starts in the middle continues from there.
 *
 * @param password generates a new password
 */
export function stepRotation(
  data: SecretData,
  keys: RotatedKeys,
  { requested, databasesDone, podsDone, now }: RotationObservation,
  password: () => string,
): RotationStep {
  const rotation = rotationOf(data)
  if (rotation === undefined) {
    if (requested === undefined || requested === data[rotationRecordKeys.rotatedBy]) return unchanged(data)
    const next = { [keys.next]: password(), [secretKeys.rotation]: `adding:${requested}` }
    return changed({ ...data, ...next, ...changedAt(now) }, 'a new password was added, the old one is in use')
  }
  const { stage, value } = rotation
  switch (stage) {
    case 'adding':
      return databasesDone ? switchOver(data, keys, value, now) : unchanged(data)
    case 'switched': {
      const since = Date.parse(data[rotationRecordKeys.changedAt] ?? '')
      const settledAt = new Date((Number.isNaN(since) ? now.getTime() : since) + settleMilliseconds)
      if (now < settledAt) return { ...unchanged(data), nextChangeAt: settledAt }
      if (!podsDone) return unchanged(data)
      const { [keys.previous]: _, ...rest } = data
      return changed(
        { ...rest, [secretKeys.rotation]: `removing:${value}`, ...changedAt(now) },
        'the old password was removed',
      )
    }
    case 'removing': {
      if (!databasesDone) return unchanged(data)
      const { [secretKeys.rotation]: _, [rotationRecordKeys.changedAt]: __, ...rest } = data
      return changed({ ...rest, [rotationRecordKeys.rotatedBy]: value }, 'the passwords were rotated')
    }
  }
}

function switchOver(data: SecretData, keys: RotatedKeys, value: string, now: Date): RotationStep {
  const { [keys.next]: next, [keys.current]: old = '', ...rest } = data
  if (next === undefined || next === '') {
    const { [secretKeys.rotation]: _, [rotationRecordKeys.changedAt]: __, ...abandoned } = data
    return changed(
      { ...abandoned, [rotationRecordKeys.rotatedBy]: value },
      'the rotation was cancelled: its password is missing',
    )
  }
  const after = {
    ...rest,
    [keys.current]: next,
    [keys.previous]: old,
    ...(keys.user !== undefined && { [keys.user]: otherUserOf(data[keys.user] ?? 'auth') }),
    [secretKeys.rotation]: `switched:${value}`,
    ...changedAt(now),
  }
  return changed(after, 'the new password is in use, the old one is still accepted')
}

function changedAt(now: Date): SecretData {
  return { [rotationRecordKeys.changedAt]: now.toISOString() }
}

function unchanged(data: SecretData): RotationStep {
  return { data, why: undefined, nextChangeAt: undefined }
}

function changed(data: SecretData, why: string): RotationStep {
  return { data, why, nextChangeAt: undefined }
}
