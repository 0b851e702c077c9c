import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, EmbeddedJWK, errors, type JWTVerifyResult, jwtVerify } from 'jose'
import { ProofError, type ProofTarget, proofAlgorithms, proofWindowSeconds } from '../tokens/possession.ts'

/** A proof that is good for one request. */
interface AcceptedProof {
  /** No two proofs of different clients have the same one. */
  id: string
  /** Time from which on it is refused in any case. */
  until: Date
}

/** Servers compare times by their own clocks. */
const clockMarginSeconds = 60

/**
 * Checks everything but whether a proof was used before. RFC 9449 section 4.3. The library does the same at its own
 * endpoints, and only there.
 *
 * @param proof the header `DPoP`
 * @throws ProofError
 */
export async function checkProof(
  proof: unknown,
  { method, url, token, jkt }: ProofTarget,
  now: Date,
): Promise<AcceptedProof> {
  if (typeof proof !== 'string' || proof === '') throw new ProofError('the header DPoP is missing')
  const { payload, protectedHeader } = await verified(proof, now)
  const { iat, jti, htm, htu, ath } = payload
  if (typeof jti !== 'string' || jti === '') throw new ProofError('jti is missing')
  if (typeof iat !== 'number' || !(Math.abs(now.getTime() / 1_000 - iat) <= proofWindowSeconds)) {
    throw new ProofError(`iat is missing, or not within ${proofWindowSeconds} seconds of the current time`)
  }
  if (htm !== method) throw new ProofError('htm is not the method of the request')
  const target = withoutQuery(url)
  if (target === undefined || withoutQuery(htu) !== target) throw new ProofError('htu is not the URL of the request')
  if (ath !== createHash('sha256').update(token).digest('base64url')) {
    throw new ProofError('ath is not the hash of the access token')
  }
  if (protectedHeader.jwk === undefined || (await calculateJwkThumbprint(protectedHeader.jwk)) !== jkt) {
    throw new ProofError('it is signed by another key than that of the access token')
  }
  const until = new Date((iat + proofWindowSeconds + clockMarginSeconds) * 1_000)
  return { id: JSON.stringify(['dpop', jkt, jti]), until }
}

async function verified(proof: string, now: Date): Promise<JWTVerifyResult> {
  try {
    const rules = { algorithms: [...proofAlgorithms], typ: 'dpop+jwt', currentDate: now }
    return await jwtVerify(proof, EmbeddedJWK, rules)
  } catch (error) {
    // A key that is private or unusable, or a header that there is twice.
    if (error instanceof errors.JOSEError || error instanceof TypeError || error instanceof DOMException) {
      throw new ProofError('it is not a JWT with typ dpop+jwt that its jwk has signed')
    }
    throw error
  }
}

/** The URL in the one spelling that is compared; undefined: it is none. */
function withoutQuery(url: unknown): string | undefined {
  const parsed = typeof url === 'string' ? URL.parse(url) : null
  if (parsed === null) return undefined
  parsed.search = ''
  parsed.hash = ''
  return parsed.href
}
