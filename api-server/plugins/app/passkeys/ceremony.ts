import { randomBytes } from 'node:crypto'
import type { MfaKeys } from '../mfa/sealed-secret.ts'

/** How long a user has for a ceremony: the time between the options and the response of the authenticator. */
export const ceremonySeconds = 60

/** What a challenge is for: it is of no use for anything else. */
export type Ceremony =
  /** Adding a passkey. `subject` is the session: see `ofSession`. */
  | { kind: 'registration'; subject: string }
  /** Authenticating again in a session. */
  | { kind: 'step_up'; subject: string }
  /** The second step of a login. `subject` is the ID of the pending login. */
  | { kind: 'second_step'; subject: string }
  /** A login without a password. `subject` identifies the browser: see `bindingOf`. */
  | { kind: 'login'; subject: string }

/** The subject of ceremonies of a session. */
export function ofSession({ sub, sid }: { sub: string; sid: string }): string {
  return `${sub}/${sid}`
}

const nonceBytes = 16
const timeBytes = 8
const macBytes = 32
const macPurpose = 'authservice passkey challenges'

/**
 * A challenge in base64url: random bits, the time at which it expires, and an HMAC of both and of what it is for. Servers
 * recognize it without storing it, so that clients cannot fill the database by asking for options. Decision 62.
 *
 * @throws Error when no key of second factors is active
 */
export function newChallenge(
  keys: MfaKeys,
  ceremony: Ceremony,
  now: Date,
  random: (size: number) => Uint8Array = randomBytes,
): string {
  const time = Buffer.alloc(timeBytes)
  time.writeBigUInt64BE(BigInt(now.getTime() + ceremonySeconds * 1000))
  const content = Buffer.concat([random(nonceBytes), time])
  return Buffer.concat([content, keys.mac(macPurpose, macInput(ceremony, content), now)]).toString('base64url')
}

/** `foreign`: no server has made this challenge, or not for this. */
export function checkChallenge(
  keys: MfaKeys,
  challenge: string,
  ceremony: Ceremony,
  now: Date,
): 'valid' | 'expired' | 'foreign' {
  const bytes = Buffer.from(challenge, 'base64url')
  // One spelling only: what was used is recognized by its text.
  const isWhole = bytes.length === nonceBytes + timeBytes + macBytes && bytes.toString('base64url') === challenge
  if (!isWhole) return 'foreign'
  const content = bytes.subarray(0, nonceBytes + timeBytes)
  if (!keys.isMac(macPurpose, macInput(ceremony, content), bytes.subarray(-macBytes))) return 'foreign'
  return now.getTime() < Number(content.readBigUInt64BE(nonceBytes)) ? 'valid' : 'expired'
}

function macInput({ kind, subject }: Ceremony, content: Uint8Array): Buffer {
  return Buffer.concat([content, Buffer.from(JSON.stringify([kind, subject]))])
}
