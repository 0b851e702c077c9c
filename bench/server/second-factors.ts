import { randomBytes } from 'node:crypto'
import { MongoClient } from 'mongodb'
import { Secret, TOTP } from 'otpauth'
import { secretSubject } from '../../api-server/plugins/app/mfa/check-code.ts'
import type { UserFactors } from '../../api-server/plugins/app/mfa/factor-store.ts'
import { keyOfMfaSecret, MfaKeys } from '../../api-server/plugins/app/mfa/sealed-secret.ts'
import { newTotpSecret, totpParameters } from '../../api-server/plugins/app/mfa/totp.ts'
import type { UserDocument } from '../../api-server/plugins/app/users/user.ts'
import type { ServerEnvironment } from '../../contract/environment.ts'

const mfaSecret = randomBytes(32).toString('base64url')

/** Without the limits that one address would reach. */
export const unlimited: ServerEnvironment = { RATE_LIMIT_PER_CLIENT: '1000000/s', RATE_LIMIT_LOGIN: '1000000/s' }

/** A server with second factors. */
export const mfaServer: ServerEnvironment = { ...unlimited, MFA_MODE: 'optional', MFA_SECRET: mfaSecret }

/** Milliseconds of a time step of codes. */
export const stepMilliseconds = totpParameters.periodSeconds * 1000

/**
 * Gives these users an app.
 * @returns the code of a user's app. `steps`: of so many steps after the current one
 */
export async function enrolApps(
  mongoUrl: string,
  database: string,
  emails: readonly string[],
): Promise<(email: string, steps?: number) => string> {
  const keys = new MfaKeys()
  keys.replace([keyOfMfaSecret(mfaSecret)])
  const secrets = new Map(emails.map((email) => [email, newTotpSecret()]))
  const now = new Date()
  await using client = new MongoClient(mongoUrl)
  const users = await client
    .db(database)
    .collection<UserDocument>('users')
    .find({ email: { $in: [...emails] } })
    .toArray()
  const documents = users.map(({ _id, email }, index): UserFactors => {
    const id = `app-${index}`
    const secret = keys.seal(secrets.get(email) ?? '', secretSubject(_id, id), now)
    const factor = { id, type: 'totp', name: 'Phone', secret, createdAt: now, lastUsedAt: now, lastStep: 0 } as const
    return { _id, factors: [factor], recoveryCodes: [] }
  })
  await client.db(database).collection<UserFactors>('second_factors').insertMany(documents)
  return (email, steps = 0) =>
    TOTP.generate({
      secret: Secret.fromBase32(secrets.get(email) ?? ''),
      timestamp: Date.now() + steps * stepMilliseconds,
    })
}
