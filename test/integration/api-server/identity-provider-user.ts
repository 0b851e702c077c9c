import { mkdtemp, rename, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerEnvironment } from '../../../contract/environment.ts'
import type { IdentityProvider } from '../../../contract/identity-provider-schema.ts'
import type { OidcClient } from '../../../contract/oidc-client-schema.ts'
import { freePort } from '../../../tools/local-servers/server-process.ts'
import { type AppForTest, freshDatabase, startApp } from './app-for-test.ts'
import { Application, Browser, type Flow, oidcFiles, type Page, shop } from './oidc-client.ts'
import type { TestProvider } from './test-provider.ts'

/** Two servers of one deployment at which users log in by other providers. */
export interface ProviderDeployment {
  server: AppForTest
  other: AppForTest
  application: Application
  /** Replaces the file of providers. The servers read it a moment later. */
  replaceProviders(providers: readonly unknown[]): Promise<void>
  /** Replaces the file, and waits until both servers use it. */
  useProviders(providers: readonly IdentityProvider[]): Promise<void>
  close(): Promise<void>
}

export async function startProviderDeployment(
  providers: readonly IdentityProvider[],
  more: ServerEnvironment = {},
): Promise<ProviderDeployment> {
  const oidc = await oidcFiles([shop])
  const folder = await mkdtemp(join(tmpdir(), 'providers-'))
  const file = join(folder, 'providers.json')
  const replaceProviders = async (all: readonly unknown[]) => {
    await writeFile(`${file}.new`, JSON.stringify({ version: 1, providers: all }))
    await rename(`${file}.new`, file)
  }
  await replaceProviders(providers)
  const environment = {
    ...oidc.environment,
    IDENTITY_PROVIDERS_FILE: file,
    DATABASE_NAME: freshDatabase(),
    ...more,
  }
  const server = await startApp(environment)
  const other = await startApp(environment)
  const application = await Application.of(shop, server, other)
  return {
    server,
    other,
    application,
    replaceProviders,
    async useProviders(all) {
      await replaceProviders(all)
      const names = JSON.stringify(all)
      const isRead = ({ app }: AppForTest) =>
        all.length === app.identityProviders.all.length &&
        app.identityProviders.all.every((read, index) => {
          const { clientSecret: _, ...entry } = read
          const wanted = all[index]
          return wanted !== undefined && JSON.stringify({ ...entry, ...wanted }) === JSON.stringify(entry)
        })
      const deadline = Date.now() + 15_000
      while (!(isRead(server) && isRead(other))) {
        if (Date.now() > deadline) throw new Error(`the servers have not read ${names}`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
    close: async () => {
      await Promise.all([server.close(), other.close()])
    },
  }
}

/** Starts another server of ours as a provider, which the client may use. */
export async function startUpstream(client: OidcClient): Promise<AppForTest> {
  const port = await freePort()
  const { environment } = await oidcFiles([client])
  const upstream = await startApp({
    ...environment,
    JWT_ISSUER: `http://127.0.0.1:${port}`,
    DATABASE_NAME: freshDatabase(),
  })
  await upstream.app.listen({ host: '127.0.0.1', port })
  return upstream
}

/** A login of the shop that has reached the provider. */
export interface AtProvider {
  browser: Browser
  flow: Flow
  /** Where the browser was sent. */
  url: URL
}

/** Begins a login, and chooses a provider on the page. */
export async function goToProvider(
  { server, other, application }: ProviderDeployment,
  id: string,
  browser = new Browser(server, other),
  parameters: Record<string, string> = {},
): Promise<AtProvider> {
  const flow = await application.start(parameters)
  const { url } = await browser.follow(await browser.open(flow.url), `/provider/${id}`)
  return { browser, flow, url }
}

/** A whole login at a provider. @returns the page after it: that of the shop, or one of the server */
export async function logInAt(
  deployment: ProviderDeployment,
  provider: TestProvider,
  id: string,
  claims: Record<string, unknown>,
  browser?: Browser,
): Promise<AtProvider & { page: Page }> {
  const at = await goToProvider(deployment, id, browser)
  return { ...at, page: await at.browser.open(provider.answer(at.url, claims)) }
}
