import type { ProviderClaimValue } from '@authservice-operator/contract/identity-provider-schema.ts'
import { type CanonicalEmail, newEmailOf } from '../users/email.ts'
import type { UserDocument } from '../users/user.ts'
import type { Provider } from './provider-registry.ts'

/** Claims about a user, from an ID token, userinfo or an API. */
export type Claims = Readonly<Record<string, unknown>>

/** A user as a provider knows them. Only `issuer` and `subject` identify them: emails change and are given to others. */
export interface ExternalIdentity {
  issuer: string
  /** Never changes, and is never given to another user of the issuer. */
  subject: string
  /** undefined: the provider has told none that this server could use. */
  email?: CanonicalEmail
  /** Whether the provider says that the email belongs to the user. */
  isEmailVerified: boolean
  name: string
  claims: Claims
}

/** Longer ones are no identifiers. OpenID Connect Core section 2. */
const maxSubjectCharacters = 255
/** As at a registration. */
const maxNameCharacters = 200

/** @returns undefined if the claims identify no user */
export function identityOf(issuer: string, claims: Claims): ExternalIdentity | undefined {
  const subject = claims['sub']
  if (typeof subject !== 'string' || subject === '' || subject.length > maxSubjectCharacters) return undefined
  const email = emailOf(claims['email'])
  return {
    issuer,
    subject,
    ...(email !== undefined && { email }),
    // Some providers write it as text. Everything else, such as 1, is no.
    isEmailVerified: email !== undefined && (claims['email_verified'] === true || claims['email_verified'] === 'true'),
    name: nameOf(claims['name']) ?? nameOf(claims['preferred_username']) ?? email?.split('@')[0] ?? 'User',
    claims,
  }
}

function emailOf(value: unknown): CanonicalEmail | undefined {
  return typeof value === 'string' ? newEmailOf(value) : undefined
}

function nameOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const name = value
    .replace(/\p{Cc}/gu, ' ')
    .trim()
    .slice(0, maxNameCharacters)
  return name === '' ? undefined : name
}

/** Claims that the settings of a provider read, and the email. */
export function claimsInUse({ role, applicationRoles, requiredClaims = {} }: Provider): string[] {
  const named = [role, applicationRoles].flatMap((settings) => settings?.claim ?? [])
  return ['email', ...named, ...Object.keys(requiredClaims)]
}

/** Whether a claim has one of the values. A claim may be a list. */
function hasOneOf(claim: unknown, values: readonly ProviderClaimValue[]): boolean {
  return [claim].flat().some((each) => values.some((value) => value === each))
}

/** The first claim that a login at the provider needs and that is missing or has another value. */
export function missingClaim({ requiredClaims = {} }: Provider, claims: Claims): string | undefined {
  return Object.entries(requiredClaims).find(([name, values]) => !hasOneOf(claims[name], values))?.[0]
}

/** The role that the provider gives the user; undefined: it gives none. */
export function roleFrom({ role }: Provider, claims: Claims): UserDocument['role'] | undefined {
  if (role === undefined) return undefined
  return hasOneOf(claims[role.claim], role.admin) ? 'admin' : 'user'
}

/** Whether the login at the provider counts as one with two factors. */
export function hasTrustedSecondFactor({ secondFactor }: Provider, { amr, acr }: Claims): boolean {
  return hasOneOf(amr, secondFactor?.amr ?? []) || hasOneOf(acr, secondFactor?.acr ?? [])
}
