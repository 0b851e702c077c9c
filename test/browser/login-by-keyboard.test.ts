import type { Page } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../tools/local-servers/server-process.ts'
import { logIn, password, startApp } from '../integration/api-server/app-for-test.ts'
import { oidcFiles, redirectUri, shop } from '../integration/api-server/oidc-client.ts'
import { launchChromium } from './passkey-page.ts'

/** What has the focus: the name or the text of the element. */
function focused(page: Page): Promise<string> {
  return page.locator(':focus').evaluate((each) => each.getAttribute('name') ?? each.textContent?.trim() ?? '')
}

async function press(page: Page, ...keys: readonly string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key)
}

test('a user without a mouse and without JavaScript chooses a language, corrects a password and logs in', async () => {
  const port = await freePort()
  const api = `http://127.0.0.1:${port}`
  const { environment } = await oidcFiles([shop])
  const server = await startApp({ ...environment, JWT_ISSUER: api })
  const browser = await launchChromium()
  onTestFinished(async () => {
    await browser.close()
    await server.close()
  })
  await server.app.listen({ host: '127.0.0.1', port })
  const { email } = await logIn(server)
  const context = await browser.newContext({ javaScriptEnabled: false, locale: 'en-GB' })
  const page = await context.newPage()
  const query = new URLSearchParams({
    client_id: 'shop',
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  })
  await page.goto(`${api}/oauth/authorize?${query}`)

  const order: string[] = []
  for (let tabs = 0; tabs < 7; tabs++) {
    await press(page, 'Tab')
    order.push(await focused(page))
  }
  const links = ['Forgot your password?', 'Create an account']
  expect(order).toEqual(['email', 'password', 'Log in', ...links, 'Cancel', 'Language: English'])
  await press(page, 'Enter', 'Tab')
  expect(await focused(page)).toBe('Deutsch')
  await press(page, 'Enter')
  await page.getByRole('heading', { name: 'Anmelden' }).waitFor()

  await press(page, 'Tab')
  await page.keyboard.type(email)
  await press(page, 'Tab')
  await page.keyboard.type('not the password')
  await press(page, 'Enter')
  await page.getByRole('alert').waitFor()
  expect(await page.title()).toBe('Fehler: Anmelden')
  expect(await focused(page), 'the field with the problem').toBe('email')
  const field = page.getByRole('textbox', { name: 'E-Mail-Adresse' })
  expect(await field.getAttribute('aria-invalid')).toBe('true')
  const description = page.locator(`#${await field.getAttribute('aria-describedby')}`)
  expect(await description.textContent()).toBe('Die E-Mail-Adresse oder das Passwort ist falsch.')
  const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineWidth')
  expect(outline, 'the focus is visible').toBe('3px')

  await press(page, 'Tab')
  await page.keyboard.type(password)
  // Nothing answers there.
  const callback = page.waitForRequest((request) => request.url().startsWith(redirectUri))
  await press(page, 'Enter')
  expect(new URL((await callback).url()).searchParams.get('code')).not.toBeNull()
})
