import type { FastifyInstance } from 'fastify'
import type { Caller } from '../caller.ts'
import { parseUserKey } from '../users/user-key.ts'
import type { Factor } from './factor-store.ts'

/** @throws Problem 429 `rate_limited` */
export async function listFactors(
  app: FastifyInstance,
  userId: string,
  { limits }: Caller,
): Promise<{ factors: Factor[]; recoveryCodesLeft: number }> {
  await limits.use({ name: 'profile', subject: userId, rate: app.config.limits.profile })
  const found = await app.mfa.factors.find(parseUserKey(userId))
  return { factors: found?.factors ?? [], recoveryCodesLeft: found?.recoveryCodes.length ?? 0 }
}
