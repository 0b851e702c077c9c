import type { FastifyInstance } from 'fastify'
import type { Caller } from '../caller.ts'
import type { CodeResult } from '../login-attempts/factor-attempt.ts'
import type { KnownDevice } from '../login-attempts/known-devices.ts'
import { problem } from '../problems/problem.ts'
import type { StoredUser } from '../users/user.ts'
import type { UserKey } from '../users/user-key.ts'
import type { TotpFactor, UserFactors } from './factor-store.ts'
import { tellOfGuesses } from './guesses.ts'
import { recoveryCodeHash } from './recovery-code.ts'
import { RefusedFactor } from './refused-factor.ts'
import { UnreadableSecretError } from './sealed-secret.ts'
import { stepOfCode } from './totp.ts'

/** A code as the client sends it. */
export interface PresentedCode {
  method: 'totp' | 'recovery_code'
  code: string
}

/**
 * Checks a code of a second factor, and uses it up: it is valid once on all servers. A wrong code counts as a failed
 * login does.
 *
 * @returns the device of the caller, when it is known for this user
 * @throws Problem 403 `mfa_code_wrong`, 404 `not_found` without a second factor, 429 `rate_limited` or `locked`, 503
 * `mfa_unreadable`
 */
export async function checkCode(
  app: FastifyInstance,
  user: StoredUser,
  { method, code }: PresentedCode,
  caller: Caller,
  now: Date,
): Promise<KnownDevice | null> {
  const found = await app.mfa.requiredFactors(user._id)
  if (found === null) throw problem(404, 'not_found', 'The user has no second factor.')
  const attempt = await app.loginAttempts.openFactor(user, caller)
  const result = await useCode(app, found, { method, code }, now)
  const { isFirstLock } = await attempt.finish(result)
  app.metrics.mfaCodes.inc({ method, outcome: result })
  const about = { userId: user._id.toString(), address: caller.address, reason: method }
  if (isFirstLock) tellOfGuesses(app, user, method, caller)
  if (result !== 'valid') {
    app.securityEvents.record('authn_mfa_fail', { ...about, reason: `${method} ${result}` })
    throw new WrongCode(result)
  }
  app.securityEvents.record('authn_mfa_success', about)
  if (method === 'recovery_code') tellOfRecoveryCode(app, user, found, caller)
  return attempt.device
}

/** The document is the same for a wrong code and for a used one. */
export class WrongCode extends RefusedFactor {
  constructor(result: Exclude<CodeResult, 'valid'>) {
    const detail = 'The code is wrong, has expired or was already used.'
    super('mfa_code_wrong', detail, { isGuess: result === 'wrong' })
  }
}

function useCode(
  app: FastifyInstance,
  found: UserFactors,
  { method, code }: PresentedCode,
  now: Date,
): Promise<CodeResult> {
  switch (method) {
    case 'totp':
      return useTotp(app, found, code, now)
    case 'recovery_code':
      return useRecoveryCode(app, found._id, code)
  }
}

async function useRecoveryCode(app: FastifyInstance, userId: UserKey, code: string): Promise<CodeResult> {
  const hash = recoveryCodeHash(userId, code)
  return hash !== undefined && (await app.mfa.factors.useRecoveryCode(userId, hash)) ? 'valid' : 'wrong'
}

/** @throws Problem 503 `mfa_unreadable` if no app matches and a secret cannot be decrypted */
async function useTotp(
  app: FastifyInstance,
  { _id, factors }: UserFactors,
  code: string,
  now: Date,
): Promise<CodeResult> {
  let result: CodeResult = 'wrong'
  let unreadable: UnreadableSecretError | undefined
  for (const factor of factors) {
    if (factor.type !== 'totp') continue
    try {
      const secret = app.mfa.keys.unseal(factor.secret, secretSubject(_id, factor.id))
      const step = stepOfCode(secret, code, now)
      if (step === undefined) continue
      if (await app.mfa.factors.useStep(_id, factor.id, step, now)) {
        await resealIfOutdated(app, _id, factor, secret, now)
        return 'valid'
      }
      result = 'used'
    } catch (error) {
      if (!(error instanceof UnreadableSecretError)) throw error
      app.log.error({ err: error, userId: _id.toString(), factor: factor.id }, 'a second factor cannot be checked')
      unreadable = error
    }
  }
  if (result === 'used' || unreadable === undefined) return result
  throw problem(503, 'mfa_unreadable', 'The server cannot decrypt the second factor. Contact its operators.', {
    retryAfterSeconds: 60,
    cause: unreadable,
  })
}

/** What a secret is bound to: see `MfaKeys.seal`. */
export function secretSubject(userId: UserKey, factorId: string): string {
  return `${userId.toString()}/${factorId}`
}

async function resealIfOutdated(
  app: FastifyInstance,
  userId: UserKey,
  factor: TotpFactor,
  secret: string,
  now: Date,
): Promise<void> {
  if (!app.mfa.keys.isOutdated(factor.secret, now)) return
  await app.mfa.factors.reseal(userId, factor, app.mfa.keys.seal(secret, secretSubject(userId, factor.id), now))
}

function tellOfRecoveryCode(
  app: FastifyInstance,
  user: StoredUser,
  { recoveryCodes }: UserFactors,
  { address, language }: Caller,
): void {
  const left = recoveryCodes.length - 1
  app.securityEvents.record('authn_mfa_recovery_code_used', {
    userId: user._id.toString(),
    address,
    reason: `${left} left`,
  })
  app.mail.later('recovery_code_used', language, async () => ({ kind: 'recovery_code_used', to: user.email, left }))
}
