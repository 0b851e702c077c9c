import { otherUserOf, secretKeys } from '@authservice-operator/api-server/administration/secret-files.ts'
import type { SecretData } from './secret-data.ts'

/**
 * Where a rotation of passwords stands. `adding`: the database is told of the new password, the old one is in use.
 * `switched`: the new one is in use, both are accepted. `removing`: the database is told to forget the old one.
 */
export type RotationStage = 'adding' | 'switched' | 'removing'

/** What a rotation is decided on, beside the Secret itself. */
export interface RotationWorld {
  /** Value of a `rotate-passwords` that is asked for and not taken yet. */
  asked: string | undefined
  /** The databases accept exactly what their Secrets hold now. */
  databasesDone: boolean
  /** No server pod is left that started with an earlier password. */
  podsDone: boolean
  now: Date
}

/** Keys of one Secret: those of a password, where it is while it is not in use, and what goes with it. */
export interface RotatedKeys {
  current: string
  next: string
  previous: string
  /** Where a password belongs to a user of its own: the key of the user in use. */
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

/** What the Secret remembers of rotations, beside the stage itself. */
export const rotationMemory = { changedAt: 'changed-at', rotatedBy: 'rotated-by' } as const

/**
 * Volumes of Secrets lag behind by a minute or so. Until then a database that starts again reads the Secret of before,
 * so it is told only afterwards, and an old password is taken away only afterwards.
 */
export const settleMilliseconds = 120_000

export interface Rotation {
  stage: RotationStage
  /** The action that asked for it. */
  value: string
}

export function rotationOf(data: SecretData | undefined): Rotation | undefined {
  const [, stage, value = ''] = /^(adding|switched|removing):(.*)$/s.exec(data?.[secretKeys.rotation] ?? '') ?? []
  // The pattern allows these three only.
  return stage === undefined ? undefined : { stage: stage as RotationStage, value }
}

/** The rotation that the password in use came by; undefined: it is the first one. */
export function generationOf(data: SecretData | undefined): string | undefined {
  const rotation = rotationOf(data)
  return rotation === undefined || rotation.stage === 'adding' ? data?.[rotationMemory.rotatedBy] : rotation.value
}

/** The keys that a rotation adds to a Secret. */
export function rotationKeys({ next, previous, user }: RotatedKeys): string[] {
  const own = [secretKeys.rotation, rotationMemory.changedAt, rotationMemory.rotatedBy, next, previous]
  return user === undefined ? own : [...own, user]
}

/** What one visit makes of a Secret with a password. */
export interface RotationStep {
  data: SecretData
  /** undefined: nothing changes. */
  why: string | undefined
  /** When time alone lets it go on. */
  nextChangeAt: Date | undefined
}

/**
 * Takes the next step of a rotation, if it is time. A step is taken on what is known to be true, so an operator that
 * starts in the middle goes on from there: the Secret is all that is remembered.
 *
 * @param password makes a fresh one
 */
export function stepRotation(
  data: SecretData,
  keys: RotatedKeys,
  { asked, databasesDone, podsDone, now }: RotationWorld,
  password: () => string,
): RotationStep {
  const rotation = rotationOf(data)
  if (rotation === undefined) {
    if (asked === undefined || asked === data[rotationMemory.rotatedBy]) return unchanged(data)
    const next = { [keys.next]: password(), [secretKeys.rotation]: `adding:${asked}` }
    return changed({ ...data, ...next, ...changedAt(now) }, 'a new password is added, the old one is in use')
  }
  const { stage, value } = rotation
  switch (stage) {
    case 'adding':
      return databasesDone ? switchOver(data, keys, value, now) : unchanged(data)
    case 'switched': {
      const since = Date.parse(data[rotationMemory.changedAt] ?? '')
      const settledAt = new Date((Number.isNaN(since) ? now.getTime() : since) + settleMilliseconds)
      if (now < settledAt) return { ...unchanged(data), nextChangeAt: settledAt }
      if (!podsDone) return unchanged(data)
      const { [keys.previous]: _, ...rest } = data
      return changed(
        { ...rest, [secretKeys.rotation]: `removing:${value}`, ...changedAt(now) },
        'the old password is taken away',
      )
    }
    case 'removing': {
      if (!databasesDone) return unchanged(data)
      const { [secretKeys.rotation]: _, [rotationMemory.changedAt]: __, ...rest } = data
      return changed({ ...rest, [rotationMemory.rotatedBy]: value }, 'the passwords are rotated')
    }
  }
}

function switchOver(data: SecretData, keys: RotatedKeys, value: string, now: Date): RotationStep {
  const { [keys.next]: next, [keys.current]: old = '', ...rest } = data
  if (next === undefined || next === '') {
    const { [secretKeys.rotation]: _, [rotationMemory.changedAt]: __, ...abandoned } = data
    return changed(
      { ...abandoned, [rotationMemory.rotatedBy]: value },
      'the rotation is given up: its password is gone',
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
  return { [rotationMemory.changedAt]: now.toISOString() }
}

function unchanged(data: SecretData): RotationStep {
  return { data, why: undefined, nextChangeAt: undefined }
}

function changed(data: SecretData, why: string): RotationStep {
  return { data, why, nextChangeAt: undefined }
}
