import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AppForTest, startApp } from './app-for-test.ts'

let server: AppForTest

beforeAll(async () => {
  server = await startApp({ ENVIRONMENT: 'staging' })
})

afterAll(() => server.close())

test.each(['/v1/me', '/openapi.json', '/.well-known/jwks.json', '/nowhere'])(
  '%s tells browsers not to render it',
  async (url) => {
    const { headers } = await server.app.inject({ url })
    expect(headers).toMatchObject({
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'strict-transport-security': expect.stringContaining('max-age=31536000'),
      'x-request-id': expect.any(String),
    })
    expect(headers).not.toHaveProperty('x-powered-by')
  },
)

test('responses tell caches that they vary by origin, also responses to requests without one', async () => {
  const origin = 'https://app.example.com'
  const app = await startApp({ CORS_ORIGINS: origin, CORS_CREDENTIALS: 'true' })
  try {
    const headersFor = async (headers: Record<string, string>) =>
      (await app.app.inject({ url: '/.well-known/jwks.json', headers })).headers
    const plain = await headersFor({})
    const own = await headersFor({ origin })
    const foreign = await headersFor({ origin: 'https://evil.example.com' })
    expect(plain).toMatchObject({
      vary: 'Origin',
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': expect.stringContaining('Retry-After'),
    })
    expect(own).toMatchObject({ vary: 'Origin', 'access-control-allow-origin': origin })
    for (const headers of [plain, foreign]) expect(headers).not.toHaveProperty('access-control-allow-origin')
    // Nothing else varies by it.
    const names = (headers: typeof plain) => Object.keys(headers).sort()
    expect(names(foreign)).toEqual(names(plain))
    expect(names(own)).toEqual([...names(plain), 'access-control-allow-origin'].sort())
  } finally {
    await app.close()
  }
})

test('the page at /docs may load its own files and nothing else', async () => {
  const { headers, body } = await server.app.inject({ url: '/docs/' })
  const policy = String(headers['content-security-policy'])
  expect(policy).toContain("default-src 'none'")
  expect(policy).not.toMatch(/unsafe|https:|\*/)
  // The policy must not block anything that the page needs.
  expect(body).not.toMatch(/<script>|<style|style="|onload=/)
  const files = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(
    ([, path = '']) => new URL(path, 'http://x/docs/').pathname,
  )
  expect(files.length).toBeGreaterThan(3)
  for (const url of files) expect((await server.app.inject({ url })).statusCode).toBe(200)
})

test('the API description is created once, and a cache revalidates it without a transfer', async () => {
  const first = await server.app.inject({ url: '/openapi.json' })
  expect(first.json()).toEqual(JSON.parse(JSON.stringify(server.app.swagger())))
  const { etag } = first.headers
  const again = await server.app.inject({ url: '/openapi.json', headers: { 'if-none-match': String(etag) } })
  expect(again).toMatchObject({ statusCode: 304, body: '', headers: { etag } })
})

test('production has no /docs and no API description unless they are enabled', async () => {
  const production = await startApp({ ENVIRONMENT: 'production', JWT_ISSUER: 'https://auth.example.com' })
  try {
    expect((await production.get('/docs/')).status).toBe(404)
    expect((await production.get('/openapi.json')).status).toBe(404)
  } finally {
    await production.close()
  }
  const asked = await startApp({
    ENVIRONMENT: 'production',
    JWT_ISSUER: 'https://auth.example.com',
    DOCS_ENABLED: 'true',
  })
  try {
    expect((await asked.get('/openapi.json')).status).toBe(200)
  } finally {
    await asked.close()
  }
})
