import { createServer } from 'node:http'
import { resolve } from 'node:path'
import { build } from 'esbuild'
import { chromium, type Page } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { chromiumPath } from '../../tools/local-servers/binaries.ts'
import { guideBlock, replaced } from '../documentation/guide.ts'
import { password } from '../integration/api-server/app-for-test.ts'
import { type Provider, type Site, startProvider } from '../neighbours/relying-parties/provider.ts'

test('the application of docs/guides/single-page-app.md logs a user in, refreshes by itself, and logs out', async () => {
  // The library refreshes a minute before the end of an access token: here after two seconds.
  const provider = await startProvider({ photos: { callback: '/', isPublic: true, accessTokenSeconds: 62 } })
  onTestFinished(() => provider.stop())
  const photos = provider.site('photos')
  await serve(photos, await bundleOf(photos))
  const email = await provider.register()
  const { page, faults, refreshed } = await openBrowser(provider)

  await page.goto(photos.url)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.locator('input[name=email]').fill(email)
  await page.locator('input[name=password]').fill(password)
  await page.locator('form[action$="/login"] button').click()
  await page.getByText(`Hello ${email}`).waitFor()
  expect(page.url()).toBe(`${photos.url}/`)
  // Each refresh uses the token of the one before.
  await expect.poll(refreshed).toEqual(expect.arrayContaining([200, 200]))
  await page.reload()
  await page.getByText(`Hello ${email}`).waitFor()

  await page.getByRole('button', { name: 'Log out' }).click()
  await page.locator('button[name=logout]').click()
  await page.getByRole('button', { name: 'Log in' }).waitFor()
  expect(page.url()).toBe(`${photos.url}/`)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.locator('input[name=password]').waitFor()
  expect(refreshed().filter((status) => status !== 200)).toEqual([])
  expect(faults).toEqual([])
})

/** The code of the page, with the addresses of the test, as one script. */
async function bundleOf({ issuer, clientId }: Site): Promise<string> {
  const contents = replaced(guideBlock('single-page-app.md', 'jsx'), {
    'https://auth.example.com': issuer,
    'shops.photos': clientId,
  })
  const { outputFiles } = await build({
    stdin: { contents, loader: 'jsx', resolveDir: resolve(import.meta.dirname, '../..') },
    bundle: true,
    jsx: 'automatic',
    write: false,
    define: { 'process.env.NODE_ENV': '"production"' },
  })
  return outputFiles[0]?.text ?? ''
}

/** Serves the script with the policy of the page. */
async function serve({ port, issuer }: Site, script: string): Promise<void> {
  const policy = replaced("default-src 'self'; connect-src 'self' https://auth.example.com", {
    'https://auth.example.com': issuer,
  })
  const server = createServer((request, response) => {
    const isScript = request.url === '/script.js'
    response.setHeader('content-security-policy', policy)
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? script : '<!doctype html><div id="root"></div><script src="/script.js"></script>')
  })
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
}

/** A page with what goes wrong in it, and the status of each refresh. */
async function openBrowser(provider: Provider) {
  const browser = await chromium.launch({
    executablePath: await chromiumPath(),
    // Chromium has no sandbox where tests run as root, as in a container.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  })
  onTestFinished(() => browser.close())
  // The authority of the certificates is one of the test.
  const page: Page = await browser.newPage({ ignoreHTTPSErrors: true })
  const faults: string[] = []
  const statuses: number[] = []
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('response', (response) => {
    const isRefresh = response.request().postData()?.includes('grant_type=refresh_token') === true
    if (response.url() === `${provider.issuer}/oauth/token` && isRefresh) statuses.push(response.status())
  })
  return { page, faults, refreshed: () => statuses }
}
