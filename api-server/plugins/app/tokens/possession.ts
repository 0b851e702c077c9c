import { type Problem, problem } from '../problems/problem.ts'
import { type AccessTokenClaims, invalidToken, type PresentedAccessToken } from './access-token.ts'

/** Algorithms of DPoP proofs: those of the FAPI 2.0 Security Profile, section 5.4.1. */
export const proofAlgorithms = ['ES256', 'PS256', 'EdDSA', 'Ed25519'] as const

/** Time before and after its `iat` for which a proof is accepted, in seconds. RFC 9449 section 11.1. */
export const proofWindowSeconds = 300

/** The request that a proof is for. */
export interface ProvenRequest {
  method: string
  /** Absolute. Query and fragment do not count. */
  url: string
}

/** What a proof must be for. RFC 9449 section 4.3. */
export interface ProofTarget extends ProvenRequest {
  token: string
  /** Thumbprint of the key that the token is bound to. */
  jkt: string
}

/** Why a proof is refused; continues "the proof was refused: ". */
export class ProofError extends Error {}

/** What `requirePossession` needs. */
export interface PossessionOptions {
  presented: PresentedAccessToken
  /** The header `DPoP` of the request. */
  proof: string | string[] | undefined
  /** The request that the proof must name; undefined: it is not known. */
  request: ProvenRequest | undefined
  /** Accepts a proof once. @throws ProofError; undefined: this server has no OpenID provider */
  acceptProof: ((proof: unknown, target: ProofTarget, now: Date) => Promise<void>) | undefined
}

/**
 * Whether the sender of a token may use it: anybody may use one that is bound to no key, and only with the scheme `Bearer`.
 * For any other one, the request must prove that it has the key. A token that is bound and comes as `Bearer` was stolen,
 * or its client does not know DPoP.
 *
 * @throws Problem 401 `invalid_dpop_proof` or `token_invalid`
 */
export async function requirePossession(
  { cnf }: AccessTokenClaims,
  { presented, proof, request, acceptProof }: PossessionOptions,
  now: Date,
): Promise<void> {
  const { token, isDpop } = presented
  if (cnf === undefined) {
    if (isDpop) throw invalidToken()
    return
  }
  if (!isDpop) throw refused('Send this token as "Authorization: DPoP …" with a proof: it is bound to a key.')
  if (request === undefined || acceptProof === undefined) {
    throw refused('This token is bound to a key, and the server does not know which request the proof must be for.')
  }
  try {
    await acceptProof(proof, { ...request, token, jkt: cnf.jkt }, now)
  } catch (error) {
    throw error instanceof ProofError ? refused(`The DPoP proof was refused: ${error.message}.`) : error
  }
}

function refused(detail: string): Problem {
  return problem(401, 'invalid_dpop_proof', detail, { challenge: { algs: proofAlgorithms.join(' ') } })
}
