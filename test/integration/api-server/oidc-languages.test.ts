import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AppForTest, logIn, startApp } from './app-for-test.ts'
import { Application, Browser, issuer, oidcFiles, shop } from './oidc-client.ts'

let server: AppForTest
let application: Application

beforeAll(async () => {
  const files = await oidcFiles([shop])
  server = await startApp(files.environment)
  application = await Application.of(shop, server)
})
afterAll(() => server.close())

/** Where a page leads for another language. */
function choiceOf(page: string, tag: string): string {
  const href = new RegExp(`<a href="([^"]+)" lang="${tag}"`).exec(page)?.[1]
  if (href === undefined) throw new Error(`the page offers no ${tag}:\n${page}`)
  return href.replaceAll('&#38;', '&').replaceAll('&#61;', '=')
}

test('the login page has the language of the application, and that of the browser without one', async () => {
  const { url } = await application.start({ ui_locales: 'tlh de-AT en' })
  const german = await new Browser(server).open(url)
  expect(german.text).toContain('<html lang="de" dir="ltr">')
  expect(german.text).toContain('um mit Shop fortzufahren')
  const answer = await server.app.inject({
    url: '/oauth/device',
    headers: { 'accept-language': 'de-CH,de;q=0.9,en;q=0.8' },
  })
  expect(answer.body).toContain('<html lang="de" dir="ltr">')
  expect(answer.body).toContain('Gerät verbinden')
})

test('a language that the user chooses stays for all pages, although the application asks for another one', async () => {
  const { email } = await logIn(server)
  const browser = new Browser(server)
  const { url } = await application.start({ ui_locales: 'de' })
  const german = await browser.open(url)
  const english = await browser.open(choiceOf(german.text, 'en'))
  expect(english.url).toEqual(german.url)
  expect(english.text).toContain('<html lang="en" dir="ltr">')
  const refused = await browser.submit(english, '/login', { email, password: 'not the password' })
  expect(refused.text).toContain('The email or the password is wrong.')
  expect(browser.cookie('__Host-language')).toBe('en')
})

test('problems and errors are in the language of the page', async () => {
  const { email } = await logIn(server)
  const browser = new Browser(server)
  const page = await browser.open((await application.start({ ui_locales: 'de' })).url)
  const refused = await browser.submit(page, '/login', { email, password: 'not the password' })
  expect(refused.text).toContain('Die E-Mail-Adresse oder das Passwort ist falsch.')
  expect(refused.text).toContain('aria-invalid="true"')
  expect(refused.text).toContain('aria-describedby="email-problem"')
  const unusable = await browser.submit(page, '/login', { email: '\u200b', password: 'any' })
  expect(unusable.text).toContain('Geben Sie eine gültige E-Mail-Adresse ein')
  const unknown = await server.app.inject({
    url: '/oauth/authorize?client_id=unknown&ui_locales=de',
    headers: { 'accept-language': 'de' },
  })
  expect(unknown.body).toContain('Die Anwendung ist hier nicht bekannt.')
})

test.each([
  ['https://evil.example/'],
  ['//evil.example/'],
  ['/\\evil.example/'],
  ['https:evil.example'],
  ['javascript:alert(1)'],
  ['https://auth.example.com@evil.example/'],
  ['http://auth.example.com/'],
  [''],
])('a choice of the language never leads to %s', async (to) => {
  const url = `/oauth/language?${new URLSearchParams({ language: 'de', to })}`
  const { statusCode, headers } = await server.app.inject({ url })
  const target = headers.location === undefined ? undefined : new URL(headers.location, issuer)
  expect(target?.origin ?? issuer).toBe(issuer)
  expect([303, 404]).toContain(statusCode)
})

test.each([
  'language=tlh&to=/oauth/device',
  'language=en;%20Domain=x&to=/oauth/device',
  'language=en&language=de&to=/oauth/device',
  'to=/oauth/device',
  'language=de',
])('%s sets no cookie', async (query) => {
  const { statusCode, headers, body } = await server.app.inject({ url: `/oauth/language?${query}` })
  expect(statusCode).toBe(404)
  expect(headers['set-cookie']).toBeUndefined()
  expect(body).toContain('<html lang="en"')
})
