import { Problem } from '../problems/problem.ts'

/**
 * Why a user of a provider does not get into an account, or it is not linked: a required claim is missing, the account is
 * disabled or its email not confirmed, the identity belongs to another user, or the user has too many.
 */
export type IdentityRefusal = 'claims' | 'disabled' | 'email_unverified' | 'taken' | 'too_many'

/** A login at another provider, or a link to one, was refused. Only pages show it. */
export class IdentityRefused extends Problem {
  readonly refusal: IdentityRefusal

  /** @param provider its name */
  constructor(refusal: IdentityRefusal, provider: string, cause?: unknown) {
    super(403, 'forbidden', `The login with ${provider} was refused: ${refusal}.`, { values: { provider }, cause })
    this.refusal = refusal
  }
}
