import { Secret, TOTP } from 'otpauth'

/** How codes are computed. RFC 6238 section 1.2. */
export interface TotpParameters {
  algorithm: 'SHA1' | 'SHA256' | 'SHA512'
  digits: number
  periodSeconds: number
}

/** Every authenticator app supports these, and many ignore all others. */
export const totpParameters: TotpParameters = { algorithm: 'SHA1', digits: 6, periodSeconds: 30 }

/** Number of steps before and after the current one whose codes are accepted. RFC 6238 section 5.2. */
const drift = 1

/** Length of a new secret in bytes: that of the hash, RFC 4226 section 4. */
const secretBytes = 20

/** @returns a new secret in base32, as users type it into an app */
export function newTotpSecret(): string {
  return new Secret({ size: secretBytes }).base32
}

/** The URI that an app reads from a QR code. @param account for the user, such as the email */
export function otpauthUrl(secret: string, account: string, serviceName: string): string {
  const totp = new TOTP({
    ...optionsOf(totpParameters),
    issuer: serviceName,
    label: account,
    secret: Secret.fromBase32(secret),
  })
  return totp.toString()
}

/**
 * The time step of a code, counted from 1970: that of `now`, or one before or after it.
 * @param secret in base32 @param code as presented @returns undefined when the code belongs to none of them
 */
export function stepOfCode(
  secret: string,
  code: string,
  now: Date,
  parameters: TotpParameters = totpParameters,
): number | undefined {
  if (code.length !== parameters.digits || !/^\d+$/.test(code)) return undefined
  const options = { ...optionsOf(parameters), secret: Secret.fromBase32(secret), timestamp: now.getTime() }
  const delta = TOTP.validate({ ...options, token: code, window: drift })
  return delta === null
    ? undefined
    : TOTP.counter({ period: parameters.periodSeconds, timestamp: now.getTime() }) + delta
}

function optionsOf({ algorithm, digits, periodSeconds }: TotpParameters) {
  return { algorithm, digits, period: periodSeconds }
}
