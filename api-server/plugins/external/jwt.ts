import fastifyJwt, { type TokenOrHeader } from '@fastify/jwt'
import { createSigner } from 'fast-jwt'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'

/** A token as a client sent it. Nothing in it is trusted yet. */
export interface ReceivedToken {
  /** The three segments, as received. */
  header: string
  payload: string
  signature: string
  /** The decoded payload. */
  claims: unknown
}

/** A key in the form of fast-jwt: a PEM text, or the bytes of a secret. */
export type JwtKey = string | Buffer

export interface SigningKey {
  alg: 'HS256' | 'ES256' | 'EdDSA'
  signing: JwtKey
  /** The header of every token that the key signs, with its members in this order. */
  header: object
}

/** A key of access tokens, or one of ID tokens. */
type AnySigningKey = Omit<SigningKey, 'alg'> & { alg: SigningKey['alg'] | 'RS256' | 'PS256' }

type Signer = (claims: object) => string

interface JwtOptions {
  algorithms: SigningKey['alg'][]
  issuer: string
  audience: string
  /** `typ` of the header. */
  type: string
  /** The token of a request. Errors of this function and of the next two reach the caller of `jwtVerify` unchanged. */
  tokenOf(request: FastifyRequest): string
  /** The key that must have signed the token. Called for every token, before anything in it is trusted. */
  keyOf(token: ReceivedToken): JwtKey
  /** Rejects claims that must not be trusted, although signature, issuer and audience are right. */
  requireTrusted(claims: unknown): Promise<void>
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Signs claims, including `iat`, `nbf` and `exp`. */
    signJwt(claims: object & { iat: number }, key: AnySigningKey): string
    /**
     * The claims of a token that is not in the header of a request, with the checks of `request.jwtVerify` except
     * `requireTrusted`.
     *
     * @param audience `any`: also a token for another API
     * @throws an error for which `isJwtError` is true, or what `keyOf` throws
     */
    verifyJwt(token: string, audience?: 'any'): unknown
  }
}

/**
 * `request.jwtVerify` of @fastify/jwt, and what it lacks: a signer for each key, and tokens in bodies. The caller's
 * `keyOf` and `requireTrusted` check what the library does not. Decision 0050.
 */
export default fp(
  async function jwt(app, { keyOf, requireTrusted, ...options }: JwtOptions) {
    await app.register(fastifyJwt, {
      secret: async (_request: FastifyRequest, decoded: TokenOrHeader) => keyOf(receivedToken(decoded)),
      decode: { complete: true },
      verify: {
        algorithms: options.algorithms,
        allowedIss: options.issuer,
        allowedAud: options.audience,
        checkTyp: options.type,
        // `requireTrusted` checks the times: fast-jwt ignores `iat`, and accepts a token in the moment of its expiry.
        ignoreExpiration: true,
        ignoreNotBefore: true,
        // Its entries outlive their keys, and refused tokens displace accepted ones. Decision 0050.
        cache: false,
        extractToken: options.tokenOf,
      },
      // Async, like `secret`: @fastify/jwt handles a rejection, and does not catch what a hook throws.
      trusted: async (_request, claims) => {
        await requireTrusted(claims)
        return true
      },
    })

    // @fastify/jwt would read the PEM text of the key for each token. An entry lasts as long as its key.
    const signers = new WeakMap<AnySigningKey, Signer>()
    app.decorate('signJwt', (claims, key) => {
      const sign = signers.get(key) ?? signerOf(key)
      signers.set(key, sign)
      return sign(claims)
    })
    app.decorate('verifyJwt', (token, audience) => {
      const key = keyOf(receivedToken(app.jwt.decode(token)))
      return app.jwt.verify(token, { key, ...(audience === 'any' && { allowedAud: /^/ }) })
    })
  },
  { name: 'jwt' },
)

function signerOf({ alg, signing, header }: AnySigningKey): Signer {
  return createSigner({ key: signing, algorithm: alg, header: { alg, ...inGivenOrder(header) } })
}

/** Whether the library refused the token. */
export function isJwtError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(FST|FAST)_JWT_/.test(String(error.code))
}

function receivedToken(decoded: unknown): ReceivedToken {
  // What `decode: { complete: true }` gives. @fastify/jwt declares less.
  const { input, payload: claims, signature } = decoded as { input: string; payload: unknown; signature: string }
  const [header = '', payload = ''] = input.split('.')
  return { header, payload, signature, claims }
}

/** fast-jwt would write `alg`, `typ`, `kid` in this order. Servers compare the header byte by byte: decision 0010. */
function inGivenOrder(header: object): { toJSON: () => object } {
  return { toJSON: () => header }
}
