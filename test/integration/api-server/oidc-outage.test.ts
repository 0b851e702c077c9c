import { MongoServerError } from 'mongodb'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type AppForTest, logIn } from './app-for-test.ts'
import { Application, Browser, fetchOf, issuer, logInByPage, oidcFiles, secret, shop } from './oidc-client.ts'
import { type Deployment, startDeployment, waysToBeAway } from './outage.ts'

let deployment: Deployment
let server: AppForTest

beforeAll(async () => {
  deployment = await startDeployment()
  server = await deployment.start((await oidcFiles([shop])).environment)
})
afterAll(() => deployment.remove())

/** A browser that is logged in, and the refresh token of the application. */
async function atShop() {
  const { email } = await logIn(server)
  const application = await Application.of(shop, server)
  const browser = new Browser(server)
  const flow = await application.start()
  const tokens = await application.redeem(flow, await logInByPage(browser, flow, email))
  return { application, browser, refreshToken: tokens.refresh_token ?? '' }
}

/** A request of the application itself. */
async function post(path: string, parameters: Record<string, string>) {
  const answer = await fetchOf(server)(`${issuer}${path}`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`shop:${secret}`).toString('base64')}` },
    body: new URLSearchParams(parameters),
  })
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, string> }
}

const refresh = (refreshToken: string) =>
  post('/oauth/token', { grant_type: 'refresh_token', refresh_token: refreshToken })

function expectUnavailable({ status, headers, body }: Awaited<ReturnType<typeof refresh>>): void {
  expect({ status, body }).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } })
  expect(headers.get('content-type')).toContain('application/json')
  expect(headers.get('cache-control')).toBe('no-store')
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
}

test.each(Object.entries(waysToBeAway))(
  'while MongoDB is %s, each endpoint answers 503 in its format, and works again afterwards',
  async (_what, { begin, end }) => {
    const { application, browser, refreshToken } = await atShop()
    const { url } = await application.start()
    await begin(deployment.mongo)
    try {
      // The first one waits for a database that is thought to be there.
      expectUnavailable(await refresh(refreshToken))
      expectUnavailable(await refresh(refreshToken))
      expectUnavailable(await post('/oauth/device_authorization', { client_id: 'shop' }))
      for (const path of [url, '/oauth/logout']) {
        const page = await browser.open(path)
        expect(page.status).toBe(503)
        expect(page.headers.get('content-type')).toContain('text/html')
        expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
        expect(page.text).toContain('temporarily_unavailable')
      }
      expect((await fetchOf(server)(`${issuer}/.well-known/openid-configuration`)).status).toBe(200)
    } finally {
      await end(deployment.mongo)
    }
    await expect.poll(async () => (await refresh(refreshToken)).status, { timeout: 30_000 }).toBe(200)
  },
  90_000,
)

test('a request that MongoDB refuses meanwhile can be repeated', async () => {
  const { application, browser, refreshToken } = await atShop()
  const { url } = await application.start({ prompt: 'none' })
  const error = new MongoServerError({ errmsg: 'the primary steps down', code: 91 })
  const reads = vi.spyOn(server.app.revocation, 'versionOf').mockRejectedValue(error)
  try {
    expectUnavailable(await refresh(refreshToken))
    for (const path of [url, '/oauth/logout']) {
      const page = await browser.open(path)
      expect(page.status).toBe(503)
      expect(page.text).toContain('temporarily_unavailable')
    }
  } finally {
    reads.mockRestore()
  }
  const writes = vi.spyOn(server.app.sessions, 'create').mockRejectedValue(error)
  try {
    expect((await browser.open(url)).status).toBe(503)
  } finally {
    writes.mockRestore()
  }
  expect((await refresh(refreshToken)).status).toBe(200)
  expect((await browser.open(url)).url.searchParams.get('code')).not.toBeNull()
})
