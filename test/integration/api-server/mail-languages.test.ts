import { randomBytes } from 'node:crypto'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { PagesFile } from '../../../contract/pages-file.ts'
import { type ReceivedMail, startSmtp, type TestSmtp } from '../../../tools/local-servers/smtp.ts'
import { type AppForTest, logIn, logInAsAdmin, startApp } from './app-for-test.ts'
import { Application, Browser, oidcFiles, shop } from './oidc-client.ts'

/** Mails are in the language of the request that causes them, with the brand of the pages. */
let smtp: TestSmtp
let server: AppForTest
let application: Application

const brand: PagesFile = {
  name: 'Acme\r\nBcc: other@example.com',
  languages: ['fr', 'en', 'de', 'ja', 'ar'],
  texts: { de: { 'mailSubject.password_changed': 'Passwort bei uns geändert' } },
}

beforeAll(async () => {
  smtp = await startSmtp()
  const { environment } = await oidcFiles([shop])
  const PAGES_FILE = join(await mkdtemp(join(tmpdir(), 'mail-')), 'pages.json')
  await writeFile(PAGES_FILE, JSON.stringify(brand))
  server = await startApp({
    ...environment,
    PAGES_FILE,
    SMTP_URL: smtp.url,
    MAIL_FROM: 'Accounts <no-reply@example.com>',
    RATE_LIMIT_RESET: '100000/s',
    RATE_LIMIT_MAIL: '100000/s',
  })
  application = await Application.of(shop, server)
})
beforeEach(async () => {
  await server.app.mail.idle()
  smtp.mails.length = 0
})
afterAll(async () => {
  await server.close()
  await smtp.stop()
})

const freshEmail = () => `${randomBytes(6).toString('hex')}@example.com`

/** A user whose first mail is removed. */
async function freshUser() {
  const user = await logIn(server)
  await onlyMail(user.email)
  return user
}

async function onlyMail(to: string): Promise<ReceivedMail> {
  await server.app.mail.idle()
  const [mail, ...others] = smtp.mails.splice(0).filter((each) => each.to.includes(to))
  if (mail === undefined || others.length > 0) throw new Error(`${to} got ${mail && [mail, ...others].length} mails`)
  return mail
}

/** A header as it was sent. */
function header({ headerLines }: ReceivedMail, name: string): string {
  return headerLines.find((line) => line.toLowerCase().startsWith(`${name}:`)) ?? `no ${name}`
}

test.each([
  ['ja-JP,ja;q=0.9,en;q=0.8', 'ja', '新しいパスワードの設定', /30\s分以内に次のリンクを開いてください。/],
  ['ar', 'ar', 'اختيار كلمة مرور جديدة', /افتح هذا الرابط خلال/],
  ['tlh', 'fr', 'Choisissez un nouveau mot de passe', /ouvrez ce lien, valable 30\sminutes\s:/],
])('a request with Accept-Language %s gets a mail in %s', async (language, tag, subject, text) => {
  const { email } = await freshUser()
  expect((await server.post('/v1/auth/password/forgot', { email }, { 'accept-language': language })).status).toBe(202)
  const mail = await onlyMail(email)
  expect(mail.subject).toContain(subject)
  expect(mail.text).toMatch(text)
  expect(mail.text).toMatch(/^https:\/\/auth\.example\.com\/account\/reset-password\?token=[\w-]{43}$/m)
  expect(header(mail, 'content-language')).toBe(`Content-Language: ${tag}`)
  // RFC 5322 allows ASCII only; RFC 2047 encodes the rest.
  expect(mail.headerLines.join()).toMatch(/^\p{ASCII}*$/u)
})

test('the name of the service is in the mail, and cannot add a header', async () => {
  const email = freshEmail()
  await logIn(server, email)
  const mail = await onlyMail(email)
  expect(mail.subject).toBe('Confirmez votre adresse e-mail – Acme Bcc: other@example.com')
  expect(header(mail, 'bcc')).toBe('no bcc')
})

test('a mail that a page causes has the language of the page, which the user or the application has chosen', async () => {
  const { email } = await freshUser()
  const browser = new Browser(server)
  const login = await browser.open((await application.start({ ui_locales: 'de' })).url)
  const forgot = await browser.follow(login, '/forgot')
  await browser.submit(forgot, '/forgot', { email })
  expect((await onlyMail(email)).subject).toContain('Wählen Sie ein neues Passwort')

  const english = await browser.open(`/oauth/language?language=en&to=${encodeURIComponent(forgot.url.pathname)}`)
  await browser.submit(english, '/forgot', { email })
  const mail = await onlyMail(email)
  expect(mail.subject).toContain('Choose a new password')
  // The page of its link belongs to no login, and the choice is still that of the browser.
  const reset = await browser.open(/^https:\S+$/m.exec(mail.text)?.[0] ?? '')
  await browser.submit(reset, '/account/reset-password', {
    password: 'a new horse battery',
    repeated: 'a new horse battery',
  })
  expect((await onlyMail(email)).subject).toContain('Your password was changed')
})

test('a text that the operators have replaced is used for mails, too', async () => {
  const { email, bearer } = await freshUser()
  const change = { current_password: 'correct horse battery', new_password: 'a new horse battery' }
  await server.post('/v1/auth/password/change', change, { ...bearer, 'accept-language': 'de' })
  expect((await onlyMail(email)).subject).toContain('Passwort bei uns geändert')
})

test('what an administrator does is told in the default language, because nobody knows that of the user', async () => {
  const admin = await logInAsAdmin(server)
  const { email } = await freshUser()
  const { body } = await server.get(`/v1/admin/users?email_prefix=${email}`, admin.bearer)
  const [user] = body['users'] as { id: string }[]
  const headers = { ...admin.bearer, 'accept-language': 'ja' }
  const { status } = await server.post(`/v1/admin/users/${user?.id}/password/reset`, {}, headers)
  expect(status).toBeLessThan(300)
  expect((await onlyMail(email)).subject).toContain('Votre mot de passe a été réinitialisé')
})
