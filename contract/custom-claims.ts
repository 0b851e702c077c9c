import Type, { type Static } from 'typebox'

/** The claim with the application roles of a user. RFC 9068 section 2.2.3.1. */
export const rolesClaim = 'roles'

/** Roles and custom claims of one user, each. */
export const maxClaimsOfUser = 20
/** Strings of one claim. */
const maxStrings = 20
/**
 * Roles and custom claims of one user together, in bytes as JSON. A token has at most 4,096 characters, which contain
 * these bytes as base64url, and about 1,400 characters besides.
 */
export const maxClaimBytes = 1_536

/** Names are JSON members that begin with a letter, such as `department` or `https://example.com/tenant`. */
export const claimNamePattern = '^[A-Za-z][A-Za-z0-9_.:/-]{0,63}$'

/** No control characters. */
const ClaimText = Type.String({ maxLength: 256, pattern: '^[^\\u0000-\\u001f\\u007f]*$' })

const ClaimValue = Type.Union([
  ClaimText,
  Type.Number(),
  Type.Boolean(),
  Type.Array(ClaimText, { maxItems: maxStrings }),
])

/** The value of a custom claim. */
export type ClaimValue = Static<typeof ClaimValue>

/** Roles and custom claims as a token has them: each of them is one of its claims. */
export type ClaimsInToken = Readonly<Record<string, ClaimValue>>

/** Custom claims of a user by their names. `customClaimProblems` checks the names. */
export const CustomClaims = Type.Record(Type.String({ pattern: claimNamePattern }), ClaimValue, {
  maxProperties: maxClaimsOfUser,
  additionalProperties: false,
})

export type CustomClaims = Readonly<Static<typeof CustomClaims>>

/** A role: without spaces, because `verify` separates roles by them. */
export const rolePattern = '^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}$'

/** An application role. `isAccountRole` says which names it must not have. */
export const ApplicationRole = Type.String({ pattern: rolePattern })

/** Application roles that administrators give a user, beside the role `admin` or `user` of the account. */
export const ApplicationRoles = Type.Array(ApplicationRole, { maxItems: maxClaimsOfUser, uniqueItems: true })

/** Custom claims of a client, the same in all of its tokens. */
export const ClientClaims = Type.Record(Type.String({ pattern: claimNamePattern }), ClaimText, {
  maxProperties: maxClaimsOfUser,
  additionalProperties: false,
})

/** Names of claims of users: custom ones, and `roles`. */
export const UserClaimNames = Type.Array(Type.String({ pattern: claimNamePattern }), {
  maxItems: maxClaimsOfUser + 1,
  uniqueItems: true,
})

/**
 * Names with a meaning in tokens, in userinfo or at introspection. They cannot be set, so that a custom claim says
 * nothing about issuer, user, session, rights or identity.
 * @see https://www.iana.org/assignments/jwt/jwt.xhtml
 */
export const reservedClaims: ReadonlySet<string> = new Set([
  // RFC 7519 section 4.1
  ...['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti'],
  // RFC 9068, RFC 8693, RFC 7800, RFC 9396, RFC 8417, and claims of this server
  ...['scope', 'scp', 'client_id', 'act', 'may_act', 'cnf', 'authorization_details', 'events', 'toe', 'txn'],
  ...['sid', 'role', 'roles', 'ver'],
  // OpenID Connect Core sections 2, 5.1, 5.6.2 and 7.4
  ...['nonce', 'auth_time', 'acr', 'amr', 'azp', 'at_hash', 'c_hash', 's_hash', 'sub_jwk', 'name', 'given_name'],
  ...['family_name', 'middle_name', 'nickname', 'preferred_username', 'profile', 'picture', 'website', 'email'],
  ...['email_verified', 'gender', 'birthdate', 'zoneinfo', 'locale', 'phone_number', 'phone_number_verified'],
  ...['address', 'updated_at', '_claim_names', '_claim_sources', 'claims'],
  // RFC 7662 section 2.2
  ...['active', 'username', 'token_type', 'token_use'],
])

/** Names that only an administrator may give a value: they are rights of a user. RFC 9068 section 2.2.3.1. */
export const rightsOfUsers: ReadonlySet<string> = new Set(['groups', 'entitlements'])

/** Names of roles that the account itself has. */
export const accountRoles: ReadonlySet<string> = new Set(['admin', 'user'])

/** Whether a name is that of a role of accounts, in capitals or not, so that no application role can have it. */
export function isAccountRole(role: string): boolean {
  return accountRoles.has(role.toLowerCase())
}

/** What is wrong with the custom claims of a user beyond their schema: one sentence without a full stop for each. */
export function customClaimProblems(claims: CustomClaims): string[] {
  return Object.keys(claims).flatMap(reservedProblem)
}

/** What is wrong with application roles beyond their schema: sentences as above. */
export function roleProblems(roles: readonly string[]): string[] {
  return roles
    .filter(isAccountRole)
    .map((role) => `${role} is the role of an account: change it with PATCH /v1/admin/users/ID, or choose another name`)
}

/** What is wrong with names of claims of users that tokens carry: sentences as above. */
export function userClaimNameProblems(names: readonly string[]): string[] {
  return names.filter((name) => name !== rolesClaim).flatMap(reservedProblem)
}

/** What is wrong with the custom claims of a client: sentences as above. @param ofUsers names in its ID tokens */
export function clientClaimProblems(claims: Readonly<Record<string, string>>, ofUsers: readonly string[]): string[] {
  const names = Object.keys(claims)
  return [
    ...names.flatMap(reservedProblem),
    ...names
      .filter((name) => rightsOfUsers.has(name))
      .map((name) => `${name} is a right of a user, which no client has`),
    ...names
      .filter((name) => ofUsers.includes(name))
      .map((name) => `${name} is in userClaims, too: choose another name`),
    ...(bytesOf(claims) > maxClaimBytes ? [`they have more than ${maxClaimBytes} bytes as JSON: shorten them`] : []),
  ]
}

/** Bytes as JSON, which is the form of claims in a token. */
export function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value))
}

/** Whether a user or a client can have a claim with this name. */
export function isCustomClaim(name: string): boolean {
  return !reservedClaims.has(name)
}

function reservedProblem(name: string): string[] {
  return isCustomClaim(name) ? [] : [`${name} is a registered or reserved claim: choose another name`]
}
