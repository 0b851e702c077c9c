import { RefusedFactor } from '../mfa/refused-factor.ts'

/** Why a passkey is refused, with what the client is told. Clients that see these have sent the response themselves. */
const refusals = {
  malformed: 'The clientDataJSON of the response cannot be read.',
  type: 'The response is of another type than this ceremony.',
  origin: 'The page is not on one of the origins that may use passkeys (WEBAUTHN_ORIGINS).',
  embedded: 'The page is embedded in a page of another origin, where passkeys are not accepted.',
  challenge: 'The challenge was not made for this ceremony and this client. Begin again.',
  expired: 'The ceremony has expired: a user has one minute. Begin again.',
  replayed: 'The ceremony was already completed. Begin again.',
  unknown: 'This account has no such passkey.',
  user_handle: 'The passkey belongs to another user.',
  invalid: 'The response of the authenticator is invalid',
  counter:
    'The counter of the passkey is not higher than at its last use: there may be a copy of it. Use another factor.',
} as const

export type PasskeyRefusal = keyof typeof refusals

/** A client may send these twice without guessing anything. */
const noGuesses: readonly PasskeyRefusal[] = ['expired', 'replayed']

/** 403 `passkey_refused`. */
export class PasskeyRefused extends RefusedFactor {
  readonly reason: PasskeyRefusal

  /** @param cause of `invalid`: what is wrong */
  constructor(reason: PasskeyRefusal, cause?: Error) {
    const detail = cause === undefined ? refusals[reason] : `${refusals[reason]}: ${cause.message}.`
    super('passkey_refused', detail, { isGuess: !noGuesses.includes(reason), cause })
    this.reason = reason
  }
}
