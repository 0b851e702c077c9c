import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import type { GenerateOidcKey } from './oidc-keys.ts'
import type { GenerateKey } from './signing-keys.ts'

/** Generates a signing key from the randomness of the system. */
export const generateKey: GenerateKey = (algorithm) => {
  if (algorithm === 'HS256') {
    return {
      kid: randomBytes(16).toString('base64url'),
      alg: algorithm,
      jwk: { kty: 'oct', k: randomBytes(32).toString('base64url') },
    }
  }
  const { privateKey } =
    algorithm === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519')
  const { kty = '', crv = '', x = '', y, d = '' } = privateKey.export({ format: 'jwk' })
  const publicMembers = { crv, kty, x, ...(y === undefined ? {} : { y }) }
  return { kid: thumbprint(publicMembers), alg: algorithm, jwk: { ...publicMembers, d } }
}

/** Generates an RS256 key of 2,048 bits, which takes a tenth of a second. */
export const generateOidcKey: GenerateOidcKey = () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const {
    kty,
    n = '',
    e = '',
    d = '',
    p = '',
    q = '',
    dp = '',
    dq = '',
    qi = '',
  } = privateKey.export({ format: 'jwk' })
  if (kty !== 'RSA') throw new Error(`the generated key is of type ${kty}, not RSA`)
  return { kid: thumbprint({ e, kty, n }), alg: 'RS256', jwk: { kty, n, e, d, p, q, dp, dq, qi } }
}

/** RFC 7638: the hash of the required public members, in the order of their names. */
function thumbprint(members: Record<string, string>): string {
  const canonical = JSON.stringify(
    Object.fromEntries(Object.entries(members).sort(([one], [other]) => (one < other ? -1 : 1))),
  )
  return createHash('sha256').update(canonical).digest('base64url')
}
