import type * as Library from 'openid-client'
import { type Claims, claimsInUse, type ExternalIdentity, identityOf } from './external-identity.ts'
import { readGitHubUser } from './github.ts'
import { ProviderError, providerErrorOf } from './provider-error.ts'
import type { Provider } from './provider-registry.ts'

/** Secrets of one login, of which the browser knows `state` only. */
export interface LoginSecrets {
  /** Binds the answer to the request. RFC 6749 section 10.12. */
  state: string
  /** Binds the ID token to the request. OpenID Connect Core section 3.1.2.1. */
  nonce: string
  /** Binds the code to this server. RFC 7636. */
  codeVerifier: string
}

/** What one login asks of its provider. */
export interface LoginRequest extends LoginSecrets {
  redirectUri: string
  /** The email that the user has entered. */
  loginHint: string | undefined
  /** Whether the user is to authenticate, also if they are logged in at the provider. */
  mustAuthenticate: boolean
}

/** For each request to a provider. */
const requestSeconds = 4
/** Metadata and keys are read again after this time. */
const cacheMilliseconds = 3_600_000
const maxAnswerBytes = 1_048_576

/** Sends users to providers and reads who they are. Nothing is loaded and no provider is called before the first login. */
export class ProviderClient {
  readonly #fetch: typeof fetch
  /** Of providers as the file has them: a changed provider is another key. */
  readonly #configurations = new WeakMap<Provider, { at: number; reading: Promise<Library.Configuration> }>()

  constructor(fetcher: typeof fetch = fetch) {
    this.#fetch = boundedFetch(fetcher)
  }

  /** @returns the URL to which the browser goes. @throws ProviderError */
  async authorizationUrl(provider: Provider, request: LoginRequest, now: Date): Promise<URL> {
    try {
      const library = await loadLibrary()
      const config = await this.#configurationOf(provider, library, now)
      const { acrValues = [] } = provider
      return library.buildAuthorizationUrl(config, {
        redirect_uri: request.redirectUri,
        scope: provider.scopes.join(' '),
        state: request.state,
        code_challenge: await library.calculatePKCECodeChallenge(request.codeVerifier),
        code_challenge_method: 'S256',
        ...(provider.preset !== 'github' && { nonce: request.nonce }),
        ...(request.loginHint !== undefined && { [loginHintName(provider)]: request.loginHint }),
        ...(request.mustAuthenticate && { prompt: provider.preset === 'github' ? 'select_account' : 'login' }),
        ...(acrValues.length > 0 && { acr_values: acrValues.join(' ') }),
      })
    } catch (error) {
      throw providerErrorOf(error)
    }
  }

  /**
   * Redeems the code, and checks everything that the provider answers: `state`, `iss` (RFC 9207), the ID token with its
   * signature, `iss`, `aud`, `exp` and `nonce`.
   *
   * @param callback the redirect URI with the query of the answer
   * @throws ProviderError
   */
  async identityFrom(provider: Provider, callback: URL, secrets: LoginSecrets, now: Date): Promise<ExternalIdentity> {
    try {
      const library = await loadLibrary()
      const config = await this.#configurationOf(provider, library, now)
      const isGitHub = provider.preset === 'github'
      const tokens = await library.authorizationCodeGrant(config, callback, {
        expectedState: secrets.state,
        pkceCodeVerifier: secrets.codeVerifier,
        ...(!isGitHub && { expectedNonce: secrets.nonce, idTokenExpected: true }),
      })
      const claims = isGitHub
        ? await readGitHubUser(
            (url) => library.fetchProtectedResource(config, tokens.access_token, url, 'GET'),
            provider,
          )
        : await this.#claimsOf(library, config, tokens, provider)
      const identity = identityOf(isGitHub ? provider.issuer : String(claims['iss']), claims)
      if (identity === undefined) throw new ProviderError('invalid', 'it does not say who the user is')
      return identity
    } catch (error) {
      throw providerErrorOf(error)
    }
  }

  /** Those of the ID token, and of userinfo what it lacks. Userinfo is read only for a claim that is in use. */
  async #claimsOf(
    library: typeof Library,
    config: Library.Configuration,
    tokens: Awaited<ReturnType<typeof Library.authorizationCodeGrant>>,
    provider: Provider,
  ): Promise<Claims> {
    const claims = tokens.claims()
    if (claims === undefined) throw new ProviderError('invalid', 'it has issued no ID token')
    const isComplete = claimsInUse(provider).every((name) => claims[name] !== undefined)
    if (isComplete || config.serverMetadata().userinfo_endpoint === undefined) return claims
    return { ...(await library.fetchUserInfo(config, tokens.access_token, claims.sub)), ...claims }
  }

  #configurationOf(provider: Provider, library: typeof Library, now: Date): Promise<Library.Configuration> {
    const known = this.#configurations.get(provider)
    if (known !== undefined && now.getTime() - known.at < cacheMilliseconds) return known.reading
    const reading = this.#read(provider, library)
    this.#configurations.set(provider, { at: now.getTime(), reading })
    // A failure is not remembered, so that the next login tries again.
    reading.catch(() => this.#configurations.delete(provider))
    return reading
  }

  async #read(provider: Provider, library: typeof Library): Promise<Library.Configuration> {
    const { issuer, clientId, clientSecret, preset } = provider
    // Only of a loopback address, in development: the file is refused otherwise.
    const insecure = issuer.startsWith('http:') ? [library.allowInsecureRequests] : []
    const customFetch = this.#fetch as Library.CustomFetch
    if (preset === 'github') {
      const base = issuer.replace(/\/$/, '')
      const config = new library.Configuration(
        // As GitHub names it in its metadata (RFC 8414), which this server does not need to read.
        {
          issuer: `${base}/login/oauth`,
          authorization_endpoint: `${base}/login/oauth/authorize`,
          token_endpoint: `${base}/login/oauth/access_token`,
        },
        clientId,
        undefined,
        library.ClientSecretPost(clientSecret),
      )
      config[library.customFetch] = customFetch
      config.timeout = requestSeconds
      for (const allow of insecure) allow(config)
      return config
    }
    return library.discovery(new URL(issuer), clientId, undefined, secretOf(library, clientSecret), {
      [library.customFetch]: customFetch,
      timeout: requestSeconds,
      // Otherwise the library trusts the connection to the token endpoint, and does not check the signature.
      execute: [...insecure, library.enableNonRepudiationChecks],
    })
  }
}

/** Loaded by the first login at a provider, because most servers have none. */
function loadLibrary(): Promise<typeof Library> {
  return import('openid-client')
}

/** In the header, which every provider has to support, unless the provider says that it does not. */
function secretOf(library: typeof Library, clientSecret: string): Library.ClientAuth {
  const [basic, post] = [library.ClientSecretBasic(clientSecret), library.ClientSecretPost(clientSecret)]
  return (server, ...rest) => {
    const { token_endpoint_auth_methods_supported: methods } = server
    return (methods === undefined || methods.includes('client_secret_basic') ? basic : post)(server, ...rest)
  }
}

function loginHintName({ preset }: Provider): string {
  return preset === 'github' ? 'login' : 'login_hint'
}

/** `fetch` that follows no redirect and reads no more than a megabyte, whatever a provider sends. */
function boundedFetch(fetcher: typeof fetch): typeof fetch {
  return async (input, init) => {
    const answer = await fetcher(input, { ...init, redirect: 'manual' })
    const chunks: Uint8Array[] = []
    let bytes = 0
    for await (const chunk of answer.body ?? []) {
      bytes += chunk.byteLength
      if (bytes > maxAnswerBytes) throw new ProviderError('invalid', 'its answer exceeds 1 MiB')
      chunks.push(chunk)
    }
    const hasBody = answer.status !== 204 && answer.status !== 205 && answer.status !== 304
    return new Response(hasBody ? Buffer.concat(chunks) : null, { status: answer.status, headers: answer.headers })
  }
}
