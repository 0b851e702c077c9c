import { readFile } from 'node:fs/promises'
import { domainToASCII } from 'node:url'
import type { IdentityProvider } from '@authservice-operator/contract/identity-provider-schema.ts'
import { type ProviderRules, parseIdentityProviders } from '@authservice-operator/contract/identity-providers.ts'
import { FollowedFile } from '../followed-file.ts'
import type { CanonicalEmail } from '../users/email.ts'

/** A provider with everything that its preset and the defaults add. */
export interface Provider extends IdentityProvider {
  issuer: string
  scopes: string[]
  clientSecret: string
}

const presetIssuers = { google: 'https://accounts.google.com', github: 'https://github.com' } as const
const defaultScopes = ['openid', 'profile', 'email']
const githubScopes = ['read:user', 'user:email']

/** The providers at which users may log in, kept up to date with their file. An unusable file changes nothing. */
export class ProviderRegistry {
  readonly #file: string
  readonly #rules: ProviderRules
  readonly #followed: FollowedFile
  #providers: readonly Provider[] = []

  /** @param onUnusable is called once for each problem */
  constructor(file: string, rules: ProviderRules, onUnusable: (reason: string) => void) {
    this.#file = file
    this.#rules = rules
    this.#followed = new FollowedFile(file, () => this.load(), onUnusable)
  }

  /** In the order of the file. */
  get all(): readonly Provider[] {
    return this.#providers
  }

  find(id: string): Provider | undefined {
    return this.#providers.find((provider) => provider.id === id)
  }

  /** The provider to which the users of a domain are sent. */
  ofDomainOf(email: CanonicalEmail): Provider | undefined {
    const domain = domainToASCII(email.slice(email.lastIndexOf('@') + 1))
    return this.#providers.find(({ domains = [] }) => domains.includes(domain))
  }

  /** @throws Error for a file that cannot be used: passwords that it forbids must not be accepted instead */
  async load(): Promise<void> {
    const parsed = parseIdentityProviders(await readFile(this.#file, 'utf8'), this.#rules)
    if (parsed.kind === 'corrupt') throw unusable(this.#file, parsed.problems)
    const read = await Promise.all(parsed.file.providers.map((provider) => withSecret(provider, this.#file)))
    // A provider without a change keeps what is cached for it.
    this.#providers = read.map((provider) => this.#providers.find((known) => isSame(known, provider)) ?? provider)
  }

  follow(): void {
    this.#followed.follow()
  }

  stop(): Promise<void> {
    return this.#followed.stop()
  }
}

async function withSecret(provider: IdentityProvider, file: string): Promise<Provider> {
  const { id, preset, authentication } = provider
  return {
    ...provider,
    // The file was checked: only a preset can be without an issuer.
    issuer: provider.issuer ?? (preset === undefined ? '' : presetIssuers[preset]),
    scopes: provider.scopes ?? (preset === 'github' ? githubScopes : defaultScopes),
    clientSecret: authentication.secret ?? (await secretOf(authentication.secretFile ?? '', id, file)),
  }
}

async function secretOf(path: string, id: string, file: string): Promise<string> {
  try {
    const secret = (await readFile(path, 'utf8')).trimEnd()
    if (secret !== '') return secret
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : 'unknown'
    throw unusable(file, [`provider ${id}: the secret in ${path} cannot be read (${code})`])
  }
  throw unusable(file, [`provider ${id}: the secret in ${path} is empty`])
}

function unusable(file: string, problems: readonly string[]): Error {
  return new Error(`the identity providers in ${file} cannot be used: ${problems.join('; ')}`)
}

function isSame(one: Provider, other: Provider): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
