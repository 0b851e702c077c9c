import { decodeJwt } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OidcClient } from '../../../contract/oidc-client-schema.ts'
import { type AppForTest, logIn, password, startApp } from './app-for-test.ts'
import { Application, Browser, issuer, logInByPage, news, type OidcFiles, oidcFiles, shop } from './oidc-client.ts'

let files: OidcFiles
let server: AppForTest

beforeAll(async () => {
  files = await oidcFiles([shop, news])
  server = await startApp(files.environment)
})
afterAll(() => server.close())

const uris = () => server.app.oidc?.clients.find(shop.id)?.redirectUris?.join()

/** Replaces the client shop in the file. @param changed undefined: removes it */
async function change(changed: OidcClient | undefined): Promise<void> {
  await files.replaceClients(changed === undefined ? [news] : [changed, news])
  await expect.poll(uris, { timeout: 15_000 }).toBe(changed?.redirectUris?.join())
}

const changes: [string, OidcClient | undefined][] = [
  ['client', undefined],
  ['redirect URI', { ...shop, redirectUris: ['https://shop.example.com/new'] }],
]

test.each(changes)('a login that has begun ends with its %s', async (_what, changed) => {
  await change(shop)
  const { email } = await logIn(server)
  const application = await Application.of(shop, server)
  const [waits, resumes] = [new Browser(server), new Browser(server)]
  const page = await waits.open((await application.start()).url)
  const { pathname } = (await resumes.open((await application.start()).url)).url
  const login = await server.app.inject({
    method: 'POST',
    url: `${pathname}/login`,
    headers: {
      cookie: `__Secure-interaction=${pathname.split('/').at(-1)}`,
      origin: issuer,
      'content-type': 'application/x-www-form-urlencoded',
      'user-agent': 'Test Browser',
    },
    payload: new URLSearchParams({ email, password }).toString(),
  })
  expect(login.statusCode).toBe(303)
  await change(changed)
  const sessions = () => server.app.mongo.db.collection('sessions').countDocuments()
  const before = await sessions()
  // Neither before the password nor after it.
  for (const answer of [
    await waits.open(page.url),
    await waits.submit(page, '/login', { email, password }),
    await resumes.open(String(login.headers.location)),
  ]) {
    expect(answer.status).toBe(400)
    expect(answer.text).toContain('This did not work')
    expect(answer.url.searchParams.get('code')).toBeNull()
  }
  expect(await sessions()).toBe(before)
})

test('a client that is created anew gets neither the sessions nor the consents of the deleted one', async () => {
  const created = (minutesAgo: number) =>
    `${new Date(Date.now() - minutesAgo * 60_000).toISOString().slice(0, -'.000Z'.length)}Z`
  await files.replaceClients([shop, { ...news, createdAt: created(90) }])
  const { email } = await logIn(server)
  const application = await Application.of(news, server)
  const browser = new Browser(server)
  const consentTo = async () => {
    const flow = await application.start()
    const page = await browser.open(flow.url)
    const form = page.text.includes('password') ? await browser.submit(page, '/login', { email, password }) : page
    return { flow, form }
  }
  const first = await consentTo()
  const tokens = await application.redeem(first.flow, (await browser.submit(first.form, '/consent')).url)
  const sessions = server.app.mongo.db.collection<{ _id: string }>('sessions')
  const { sid } = decodeJwt(tokens.access_token)
  await sessions.updateOne({ _id: String(sid) }, { $set: { createdAt: new Date(Date.now() - 3_600_000) } })
  const same = await application.refresh(tokens.refresh_token ?? '')

  const createdAgain = created(30)
  await files.replaceClients([shop, { ...news, createdAt: createdAgain }])
  await expect.poll(() => server.app.oidc?.clients.find(news.id)?.createdAt, { timeout: 15_000 }).toBe(createdAgain)
  await expect(application.refresh(same.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' })
  const second = await consentTo()
  expect(second.form.text).toContain('see your email')
  const again = await application.redeem(second.flow, (await browser.submit(second.form, '/consent')).url)
  expect(await application.refresh(again.refresh_token ?? '')).toMatchObject({ access_token: expect.any(String) })
})

test('a removed client gets no tokens for its refresh token, nor for a code', async () => {
  await change(shop)
  const { email } = await logIn(server)
  const application = await Application.of(shop, server)
  const browser = new Browser(server)
  const first = await application.start()
  const tokens = await application.redeem(first, await logInByPage(browser, first, email))
  const second = await application.start()
  const { url: callback } = await browser.open(second.url)
  expect(callback.searchParams.get('code')).not.toBeNull()
  await change(undefined)
  await expect(application.refresh(tokens.refresh_token ?? '')).rejects.toMatchObject({ status: 401 })
  await expect(application.redeem(second, callback)).rejects.toMatchObject({ status: 401 })
})
