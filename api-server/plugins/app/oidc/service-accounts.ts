import type { OidcClient, OidcClientFile } from '@authservice-operator/contract/oidc-client-schema.ts'
import { createLocalJWKSet, decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose'
import Type from 'typebox'
import Value from 'typebox/value'

/** The algorithms with which API servers sign. */
const algorithms = ['RS256', 'ES256', 'ES384', 'ES512']
/** How far the clocks of the API server and of this server may differ, in seconds. */
const toleranceSeconds = 30
/** Maximum lifetime of a token, in seconds: what it names may be gone, and this server cannot ask. */
const maxLifetimeSeconds = 86_400

/**
 * The claims that an API server adds beside those of RFC 7519: whose token it is.
 * @see https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
 */
const BoundClaims = Type.Object({
  iat: Type.Number(),
  exp: Type.Number(),
  'kubernetes.io': Type.Object({
    namespace: Type.String(),
    serviceaccount: Type.Object({ name: Type.String(), uid: Type.String() }),
  }),
})

/** The result of a token. `reason` continues "the token of a ServiceAccount was refused: ". */
export type Authentication =
  | { kind: 'client'; clientId: string }
  | { kind: 'refused'; clientId?: string; reason: string }

type KeySet = ReturnType<typeof createLocalJWKSet>
type Account = Extract<OidcClient['authentication'], { method: 'serviceAccount' }>

/**
 * Clients that authenticate with tokens of Kubernetes ServiceAccounts as assertions (RFC 7521 section 4.2, RFC 7523). The
 * kubelet gives a pod the same token for up to an hour, so that a token is accepted any number of times until it expires.
 */
export class ServiceAccounts {
  readonly #issuers: ReadonlyMap<string, KeySet>
  readonly #accounts: ReadonlyMap<string, Account>

  constructor({ clients, serviceAccountIssuers = [] }: OidcClientFile) {
    this.#issuers = new Map(serviceAccountIssuers.map(({ issuer, jwks }) => [issuer, createLocalJWKSet(jwks)]))
    this.#accounts = new Map(
      clients.flatMap(({ id, authentication }) =>
        authentication.method === 'serviceAccount' ? [[id, authentication] as const] : [],
      ),
    )
  }

  /**
   * Authenticates a client by an assertion.
   * @param clientId of the request, which may leave it out if no other client has the same ServiceAccount
   * @returns undefined if neither the assertion nor the client has to do with ServiceAccounts
   */
  async authenticate(assertion: string, clientId: string | undefined, now: Date): Promise<Authentication | undefined> {
    const { iss, sub } = unverified(assertion)
    const keys = this.#issuers.get(iss ?? '')
    if (keys === undefined) {
      return clientId !== undefined && this.#accounts.has(clientId)
        ? { kind: 'refused', clientId, reason: 'its issuer is unknown' }
        : undefined
    }
    const named = clientId ?? this.#onlyClientOf(iss, sub)
    const account = this.#accounts.get(named ?? '')
    if (named === undefined || account === undefined) {
      const reason = 'no client, or more than one, has its ServiceAccount, and the request names none by client_id'
      return { kind: 'refused', ...(clientId !== undefined && { clientId }), reason }
    }
    const reason = await refusalOf(assertion, account, keys, now)
    return reason === undefined ? { kind: 'client', clientId: named } : { kind: 'refused', clientId: named, reason }
  }

  #onlyClientOf(issuer: string | undefined, subject: string | undefined): string | undefined {
    const ids = [...this.#accounts].filter(
      ([, account]) => account.issuer === issuer && account.subjects.includes(subject ?? ''),
    )
    return ids.length === 1 ? ids[0]?.[0] : undefined
  }
}

/** The claims of a token, before anything is known about it. */
function unverified(assertion: string): JWTPayload {
  try {
    return decodeJwt(assertion)
  } catch {
    return {}
  }
}

async function refusalOf(token: string, account: Account, keys: KeySet, now: Date): Promise<string | undefined> {
  const { issuer, subjects, audience } = account
  try {
    const options = { issuer, audience, algorithms, clockTolerance: toleranceSeconds, currentDate: now }
    const { payload } = await jwtVerify(token, keys, { ...options, requiredClaims: ['exp', 'iat', 'sub'] })
    // Another receiver of the token could use it here.
    if (typeof payload.aud !== 'string' && payload.aud?.length !== 1) return 'it has more than one audience'
    const { sub = '' } = payload
    if (!subjects.includes(sub)) return `its sub ${sub} is not one of the client`
    if (!Value.Check(BoundClaims, payload)) return 'it has not the claims of a token that the API server issues'
    const { namespace, serviceaccount } = payload['kubernetes.io']
    if (sub !== `system:serviceaccount:${namespace}:${serviceaccount.name}`) {
      return 'its sub is not the ServiceAccount in its claim kubernetes.io'
    }
    return payload.exp - payload.iat > maxLifetimeSeconds
      ? `it is valid for more than ${maxLifetimeSeconds} seconds: request a lower expirationSeconds`
      : undefined
  } catch (error) {
    if (isAboutAudience(error)) return `its audience is not ${audience}`
    if (error instanceof errors.JOSEError) return error.message
    throw error
  }
}

function isAboutAudience(error: unknown): boolean {
  return error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud'
}
