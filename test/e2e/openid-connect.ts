import * as openid from 'openid-client'
import { expect } from 'vitest'
import type { EdgeClient } from '../../tools/cluster-client/edge-client.ts'
import { type Flow, PageBrowser, RelyingParty } from '../integration/support/relying-party.ts'
import { apply, kubectl } from './cluster-under-test.ts'

const redirectUri = 'https://shop.example.com/callback'
const afterLogout = 'https://shop.example.com/'

/** An application with an AuthClient of its own, and a browser of its user, which reach the servers through the edge. */
export class ShopUnderTest {
  readonly browser: PageBrowser
  readonly #config: openid.Configuration
  readonly #party: RelyingParty

  private constructor(config: openid.Configuration, edge: EdgeClient) {
    this.#config = config
    this.#party = new RelyingParty(config, redirectUri)
    this.browser = new PageBrowser(edge.fetch, config.serverMetadata().issuer)
  }

  /** Creates the AuthClient `shop`. @returns the application, once it has its credentials */
  static async create(
    namespace: string,
    authServiceRef: { name: string; namespace: string },
    edge: EdgeClient,
  ): Promise<ShopUnderTest> {
    await apply(namespace, {
      apiVersion: 'auth-operator.dev/v1alpha1',
      kind: 'AuthClient',
      metadata: { name: 'shop' },
      spec: { authServiceRef, firstParty: true, redirectUris: [redirectUri], postLogoutRedirectUris: [afterLogout] },
    })
    const { client_id, client_secret, issuer } = await credentialsIn(namespace)
    const config = await openid.discovery(
      new URL(issuer ?? ''),
      client_id ?? '',
      undefined,
      openid.ClientSecretBasic(client_secret),
      { [openid.customFetch]: edge.fetch as openid.CustomFetch },
    )
    openid.enableNonRepudiationChecks(config) // verifies the signatures of ID tokens
    return new ShopUnderTest(config, edge)
  }

  /** Whether the servers know the client: the browser gets the page of the login. */
  async isUsable(): Promise<boolean> {
    const { url } = await this.#party.start()
    return (await this.browser.open(url)).status === 200
  }

  /** Logs the user in on the page, and redeems the code. */
  async logIn(user: { email: string; password: string }) {
    const flow = await this.#party.start()
    const page = await this.browser.open(flow.url)
    const { email, password } = user
    return this.redeem({ flow, callback: (await this.browser.submit(page, '/login', { email, password })).url })
  }

  /** Asks for a code without a page: the browser is logged in. */
  async silentCode(): Promise<Code> {
    const flow = await this.#party.start({ prompt: 'none' })
    return { flow, callback: (await this.browser.open(flow.url)).url }
  }

  redeem({ flow, callback }: Code) {
    return this.#party.redeem(flow, callback)
  }

  refresh(token: string) {
    return this.#party.refresh(token)
  }

  userInfo(accessToken: string, sub: string) {
    return openid.fetchUserInfo(this.#config, accessToken, sub)
  }

  /** Logs the user out at the servers. @returns where the browser is afterwards */
  async logOut(idToken: string): Promise<URL> {
    const url = openid.buildEndSessionUrl(this.#config, {
      id_token_hint: idToken,
      post_logout_redirect_uri: afterLogout,
    })
    const page = await this.browser.open(url)
    return (await this.browser.submit(page, '/oauth/logout/confirm', { logout: 'yes' })).url
  }
}

/** An answer of the authorization endpoint, and what the application needs to redeem its code. */
export interface Code {
  flow: Flow
  callback: URL
}

/** The decoded Secret of the AuthClient `shop`. */
async function credentialsIn(namespace: string): Promise<Record<string, string>> {
  const read = () =>
    kubectl().json<{ data: Record<string, string> }>(['get', 'secret', 'shop-credentials', '--namespace', namespace])
  await expect.poll(() => read().then(Object.keys, () => [])).toContain('data')
  const { data } = await read()
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  )
}
