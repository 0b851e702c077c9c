import * as client from 'openid-client'

export { type Page, PageBrowser } from '../../../tools/load/page-browser.ts'

export interface Flow {
  url: URL
  verifier: string
  state: string
  nonce: string
}

/** An application with `openid-client`. */
export class RelyingParty {
  readonly config: client.Configuration
  readonly #redirectUri: string

  constructor(config: client.Configuration, uri: string) {
    this.config = config
    this.#redirectUri = uri
  }

  async start(parameters: Record<string, string> = {}): Promise<Flow> {
    const verifier = client.randomPKCECodeVerifier()
    const state = client.randomState()
    const nonce = client.randomNonce()
    const url = client.buildAuthorizationUrl(this.config, {
      redirect_uri: this.#redirectUri,
      scope: 'openid profile email',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
      ...parameters,
    })
    return { url, verifier, state, nonce }
  }

  /** Pushes the request (RFC 9126), so that the browser carries only a reference. */
  async startPushed(): Promise<Flow> {
    const flow = await this.start()
    const url = await client.buildAuthorizationUrlWithPAR(this.config, flow.url.searchParams)
    return { ...flow, url }
  }

  redeem({ verifier, state, nonce }: Flow, callback: URL) {
    return client.authorizationCodeGrant(this.config, callback, {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    })
  }

  refresh(token: string) {
    return client.refreshTokenGrant(this.config, token)
  }
}
