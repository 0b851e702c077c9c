import { Problem } from '../problems/problem.ts'

/** A second factor was not accepted. */
export class RefusedFactor extends Problem {
  /** Whether it counts as a guess: a client that sends the same thing twice must not lock its user. */
  readonly isGuess: boolean

  constructor(
    code: 'mfa_code_wrong' | 'passkey_refused',
    detail: string,
    { isGuess, cause }: { isGuess: boolean; cause?: unknown },
  ) {
    super(403, code, detail, { cause })
    this.isGuess = isGuess
  }
}
