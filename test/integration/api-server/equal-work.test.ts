import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { HashJob } from '../../../api-server/plugins/app/passwords/hash-jobs.ts'
import { HashThreads } from '../../../api-server/plugins/app/passwords/hash-threads.ts'
import { noPasswordHash } from '../../../api-server/plugins/app/passwords/password-rules.ts'
import { parseEmail } from '../../../api-server/plugins/app/users/email.ts'
import { startSmtp, type TestSmtp } from '../../../tools/local-servers/smtp.ts'
import { type AppForTest, password, startApp } from './app-for-test.ts'
import { Application, Browser, oidcFiles, type Page, shop } from './oidc-client.ts'
import { mfaEnvironment } from './second-factor.ts'

/**
 * The pages do not reveal who is registered, and do the same work for every email, so that the time does not either. Work
 * is counted and not timed.
 */
let smtp: TestSmtp
/** Where a registration discloses that an email is taken, and where it does not. */
let open: AppForTest
let hidden: AppForTest

beforeAll(async () => {
  smtp = await startSmtp()
  const { environment } = await oidcFiles([shop])
  const both = { ...environment, ...mfaEnvironment, SMTP_URL: smtp.url, MAIL_FROM: 'no-reply@example.com' }
  open = await startApp(both)
  hidden = await startApp({ ...both, REGISTRATION_DISCLOSURE: 'hidden' })
})
afterAll(async () => {
  await Promise.all([open.close(), hidden.close()])
  await smtp.stop()
})

const emails = ['nobody', 'a user', 'a disabled user', 'a user without a password'] as const
type Whose = (typeof emails)[number]

/** An email, and what makes it the one of such a user. */
async function emailOf({ app, config }: AppForTest, whose: Whose): Promise<string> {
  const email = parseEmail(`${randomBytes(6).toString('hex')}@example.com`)
  if (whose === 'nobody') return email
  const passwordHash =
    whose === 'a user without a password' ? noPasswordHash(config.bcryptCost) : await app.passwords.hash(password)
  await app.mongo.transaction((session) => app.users.register({ email, name: 'User', passwordHash }, session))
  if (whose === 'a disabled user') {
    await app.mongo.db.collection('users').updateOne({ email }, { $set: { is_active: false } })
  }
  return email
}

/** Steps of bcrypt of a job: 2 to the power of each cost. */
function stepsOf(job: HashJob): number {
  const costs = job.kind === 'hash' ? [job.cost] : [Number(job.hash.split('$')[2]), ...job.alsoCosts]
  return costs.reduce((sum, cost) => sum + 2 ** cost, 0)
}

/** Collections that forms read and write. Others, such as that of security events, are written later. */
const asked = new Set([
  'users',
  'known_devices',
  'second_factors',
  'one_time_tokens',
  'verified_emails',
  'identities',
  'oauth_state',
  'revocations',
])

/** Sends a form, and counts what the server does for it before it answers. */
async function workOf({ app }: AppForTest, email: string, send: () => Promise<Page>) {
  await app.mail.idle()
  const commands: string[] = []
  const note = ({ commandName, command }: { commandName: string; command: Record<string, unknown> }) => {
    const collection = String(command[commandName])
    // The feed of revocations reads by itself, but never by id.
    const isOfForm = collection !== 'revocations' || typeof Object(command['filter'])._id === 'string'
    if (asked.has(collection) && isOfForm) commands.push(`${commandName} ${collection}`)
  }
  using hashes = vi.spyOn(HashThreads.prototype, 'run')
  using mails = vi.spyOn(app.mail, 'later').mockImplementation(() => {})
  app.mongo.client.on('commandStarted', note)
  const page = await send().finally(() => app.mongo.client.off('commandStarted', note))
  const uid = page.url.pathname.split('/')[3] ?? 'no interaction'
  return {
    hashSteps: hashes.mock.calls.map(([job]) => stepsOf(job)),
    mails: mails.mock.calls.length,
    commands,
    status: page.status,
    text: page.text.replaceAll(email.split('@')[0] ?? '', 'EMAIL').replaceAll(uid, 'UID'),
    headers: [...page.headers.keys()].sort(),
  }
}

/** A browser on a page of a login. @param path of the page, below that of the login */
async function atLogin(server: AppForTest, path: string): Promise<{ browser: Browser; page: Page }> {
  const browser = new Browser(server)
  const login = await browser.open((await (await Application.of(shop, server)).start()).url)
  return { browser, page: path === '/login' ? login : await browser.follow(login, path) }
}

const newPasswords = { password: 'a new horse battery', repeated: 'a new horse battery' }
const forms: [string, () => AppForTest, Record<string, string>, { hashes: number; mails: number; status: number }][] = [
  ['/login', () => open, { password: 'wrong horse battery' }, { hashes: 1, mails: 0, status: 401 }],
  ['/login', () => hidden, { password: 'wrong horse battery' }, { hashes: 1, mails: 0, status: 401 }],
  ['/forgot', () => open, {}, { hashes: 0, mails: 1, status: 200 }],
  ['/register', () => hidden, { name: 'User', ...newPasswords }, { hashes: 1, mails: 1, status: 200 }],
]

test.each(forms)('the form %s does the same for every email', async (path, serverOf, fields, expected) => {
  const server = serverOf()
  const works = []
  for (const whose of emails) {
    const email = await emailOf(server, whose)
    const { browser, page } = await atLogin(server, path)
    works.push(await workOf(server, email, () => browser.submit(page, path, { email, ...fields })))
  }
  const [first] = works
  const { hashSteps = [], ...rest } = first ?? {}
  expect({ ...rest, hashes: hashSteps.length }).toMatchObject(expected)
  expect(hashSteps.every((steps) => steps === 2 ** server.config.bcryptCost)).toBe(true)
  expect(rest).toMatchObject({ commands: expect.arrayContaining(['find users']) })
  for (const work of works) expect(work).toEqual(first)
})

test('the page that mails another link does the same for every email', async () => {
  const works = []
  for (const whose of emails) {
    const email = await emailOf(open, whose)
    const browser = new Browser(open)
    const page = await browser.open('/account/forgot-password')
    works.push(await workOf(open, email, () => browser.submit(page, '/forgot-password', { email })))
  }
  expect(works[0]).toMatchObject({ hashSteps: [], mails: 1, status: 200 })
  for (const work of works) expect(work).toEqual(works[0])
})
