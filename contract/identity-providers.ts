import { isAccountRole } from './custom-claims.ts'
import {
  type IdentityProvider,
  type IdentityProviderFile,
  IdentityProviderFileSchema,
} from './identity-provider-schema.ts'
import { parseFile, repeatedIn } from './parse-file.ts'

/** `problems` continue "the identity providers cannot be used: ". They contain no secret. */
export type ParsedIdentityProviders =
  | { kind: 'valid'; file: IdentityProviderFile }
  | { kind: 'corrupt'; problems: string[] }

/** Which providers a server may call. */
export interface ProviderRules {
  /** Whether an issuer may be `http://` at a loopback address: only in development. */
  allowLoopbackHttp: boolean
}

/** Parses a file of providers and checks each of them. One invalid provider makes the whole file corrupt. */
export function parseIdentityProviders(text: string, rules: ProviderRules): ParsedIdentityProviders {
  const parsed = parseFile(text, IdentityProviderFileSchema, 'a file of providers {"version": 1, "providers": […]}')
  if (parsed.kind === 'corrupt') return { kind: 'corrupt', problems: [parsed.problem] }
  const problems = identityProviderProblems(parsed.content.providers, rules)
  return problems.length === 0 ? { kind: 'valid', file: parsed.content } : { kind: 'corrupt', problems }
}

/** What is wrong with providers beyond their schema: one sentence without a full stop for each problem. */
export function identityProviderProblems(
  providers: readonly Omit<IdentityProvider, 'authentication'>[],
  rules: ProviderRules,
): string[] {
  const ids = providers.map(({ id }) => id)
  const domains = providers.flatMap((provider) => provider.domains ?? [])
  return [
    ...repeatedIn(ids).map((id) => `provider ${id} appears twice`),
    ...repeatedIn(domains).map((domain) => `the domain ${domain} belongs to two providers`),
    ...providers.flatMap((provider) =>
      providerProblems(provider, rules).map((problem) => `provider ${provider.id}: ${problem}`),
    ),
  ]
}

function providerProblems(provider: Omit<IdentityProvider, 'authentication'>, rules: ProviderRules): string[] {
  const { preset, issuer, domains = [], passwordLogin = true, scopes, secondFactor } = provider
  return [
    ...(issuer === undefined ? [] : issuerProblems(issuer, rules)),
    ...(issuer === undefined && preset === undefined ? ['issuer is missing: only a preset has one'] : []),
    ...(issuer !== undefined && preset === 'google' ? ['issuer is that of the preset google: remove it'] : []),
    ...(!passwordLogin && domains.length === 0
      ? ['passwordLogin is false, but there are no domains to which it applies']
      : []),
    ...(preset !== 'github' && scopes !== undefined && !scopes.includes('openid')
      ? ['scopes lacks openid, without which there is no ID token']
      : []),
    ...(preset === 'github' && secondFactor !== undefined
      ? ['secondFactor cannot be trusted: GitHub does not say how a user logged in']
      : []),
    ...applicationRoleProblems(provider),
    ...authenticationProblems(provider),
  ]
}

function applicationRoleProblems({ preset, applicationRoles }: Pick<IdentityProvider, 'preset' | 'applicationRoles'>) {
  if (applicationRoles === undefined) return []
  const roles = applicationRoles.mappings.map(({ role }) => role)
  const pairs = applicationRoles.mappings.map(({ value, role }) => `${value} to ${role}`)
  return [
    ...(preset === 'github'
      ? ['applicationRoles cannot be trusted: GitHub names no groups, and users write their profile themselves']
      : []),
    ...[...new Set(roles)]
      .filter(isAccountRole)
      .map((role) => `applicationRoles: ${role} is a role of accounts: write role, or choose another name`),
    ...repeatedIn(pairs).map((pair) => `applicationRoles maps ${pair} twice`),
  ]
}

/** An issuer is compared character by character, and opened by this server. OpenID Connect Discovery section 4.3. */
function issuerProblems(issuer: string, { allowLoopbackHttp }: ProviderRules): string[] {
  const url = URL.parse(issuer)
  if (url === null) return [`issuer: ${issuer} is not a URL`]
  if (url.username !== '' || url.password !== '') return ['issuer contains a user or a password']
  if (url.search !== '' || url.hash !== '') return [`issuer: ${issuer} has a query or a fragment`]
  // The library would read metadata there without comparing the issuer.
  if (url.pathname.includes('/.well-known/'))
    return [`issuer: ${issuer} is the address of the metadata: remove /.well-known/…`]
  if (url.protocol === 'https:') return []
  const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  return url.protocol === 'http:' && isLoopback && allowLoopbackHttp
    ? []
    : [`issuer: ${issuer} does not begin with https://`]
}

function authenticationProblems(provider: object): string[] {
  const authentication: unknown = Reflect.get(provider, 'authentication')
  if (typeof authentication !== 'object' || authentication === null) return []
  return 'secret' in authentication === 'secretFile' in authentication
    ? ['authentication needs either secret or secretFile']
    : []
}
