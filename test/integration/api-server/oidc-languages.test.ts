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
  const english = await browser.inLanguage('en', german)
  expect(english.url).toEqual(german.url)
  expect(english.text).toContain('<html lang="en" dir="ltr">')
  const refused = await browser.submit(english, '/login', { email, password: 'not the password' })
  expect(refused.text).toContain('The email or the password is wrong.')
  expect(browser.cookie('__Host-language')).toBe('en')
})

test('where a form was refused, another language shows its page again, with what is no secret', async () => {
  const browser = new Browser(server)
  const page = await browser.open((await application.start()).url)
  const refused = await browser.submit(page, '/login', { email: 'a+b@example.com', password: 'not the password' })
  const german = await browser.inLanguage('de', refused)
  expect(german.url.pathname).toBe(page.url.pathname)
  expect(german.text).toContain('<html lang="de"')
  expect(german.text).toContain('value="a+b@example.com"')
  expect(german.url.href + german.text).not.toMatch(/not.the.password/)

  const entered = { email: 'new@example.com', name: 'Mina & Co', password: 'short', repeated: 'short' }
  const register = await browser.submit(await browser.follow(german, '/register'), '/register', entered)
  const french = await browser.inLanguage('fr', register)
  expect(french.url.pathname).toBe(`${page.url.pathname}/register`)
  expect(french.text).toContain('value="new@example.com"')
  expect(french.text).toContain('value="Mina &#38; Co"')
  expect(french.url.href + french.text).not.toContain('short')

  const forgot = await browser.submit(await browser.open(`${page.url.pathname}/forgot`), '/forgot', { email: '\u200b' })
  const arabic = await browser.inLanguage('ar', forgot)
  expect(arabic.url.pathname).toBe(`${page.url.pathname}/forgot`)
  expect(arabic.text).toContain('<html lang="ar" dir="rtl"')
})

test('a device code that was refused can be entered in another language', async () => {
  const browser = new Browser(server)
  const refused = await browser.submit(await browser.open('/oauth/device'), '/oauth/device', { user_code: 'BCDF-GHJK' })
  expect(refused.text).toContain('aria-invalid="true"')
  const german = await browser.inLanguage('de', refused)
  expect(german.url.href).toBe(`${issuer}/oauth/device`)
  expect(german.text).toContain('Gerät verbinden')
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
