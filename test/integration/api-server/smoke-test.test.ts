import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { type ApiClient, apiClient } from '../../../api-server/smoke-test/client.ts'
import { reachBoth, runSmokeTest, SmokeTestError } from '../../../api-server/smoke-test/steps.ts'
import { type AppForTest, freshDatabase, startApp } from './app-for-test.ts'
import { passkeyEnvironment } from './passkey-user.ts'
import { runProgram } from './run-program.ts'
import { mfaEnvironment } from './second-factor.ts'

const database = freshDatabase()
let servers: AppForTest[]
let environment: { LIVE_URL: string; PREVIEW_URL: string }
let live: ApiClient
let preview: ApiClient
let steps: string[]

beforeAll(async () => {
  servers = await Promise.all([startApp({ DATABASE_NAME: database }), startApp({ DATABASE_NAME: database })])
  const urls = await Promise.all(servers.map(({ app }) => app.listen({ host: '127.0.0.1', port: 0 })))
  const [first = '', second = ''] = urls
  environment = { LIVE_URL: first, PREVIEW_URL: second }
  live = apiClient(first)
  preview = apiClient(second)
})
beforeEach(() => {
  steps = []
})
afterAll(() => Promise.all(servers.map((server) => server.close())))

const run = (colors: { live: ApiClient; preview: ApiClient }, maxMilliseconds = 5_000) =>
  runSmokeTest(colors, (step) => steps.push(step), maxMilliseconds)

/** A colour with replaced answers to one path. */
const withFault =
  (call: ApiClient, faultyPath: string, status: number): ApiClient =>
  async (method, path, options) =>
    path === faultyPath ? { status, body: { code: 'internal_error' }, cookies: [] } : call(method, path, options)

async function usersLeft(): Promise<number> {
  await using client = new MongoClient(inject('mongoUrl'))
  return await client.db(database).collection('users').countDocuments()
}

test('two servers of one deployment pass every step, and no user is left', async () => {
  await run({ live, preview })
  expect(steps).toHaveLength(14)
  expect(await usersLeft()).toBe(0)
})

test('a version with cookie mode passes beside one without it', async () => {
  const withCookies = await startApp({ DATABASE_NAME: database, COOKIE_MODE: 'true' })
  try {
    const url = await withCookies.app.listen({ host: '127.0.0.1', port: 0 })
    await run({ live, preview: apiClient(url) })
    await run({ live: apiClient(url), preview: apiClient(url) })
  } finally {
    await withCookies.close()
  }
  expect(await usersLeft()).toBe(0)
})

test.each<[string, ('database' | 'tokens' | 'redis')[], Record<string, string>, number]>([
  ['another database', ['database'], { DATABASE_NAME: freshDatabase() }, 9],
  ['another issuer and audience', ['tokens'], { JWT_ISSUER: 'https://new.example.com', JWT_AUDIENCE: 'new' }, 10],
])(
  'a version with %s passes beside the old one, in both directions, by the steps that can pass',
  async (_, apart, settings, count) => {
    const other = await startApp({ DATABASE_NAME: database, ...settings })
    try {
      const call = apiClient(await other.app.listen({ host: '127.0.0.1', port: 0 }))
      const onStep = (step: string) => steps.push(step)
      for (const colors of [
        { live, preview: call },
        { live: call, preview: live },
      ]) {
        steps = []
        await runSmokeTest(colors, onStep, 5_000, new Set(apart))
        expect(steps).toHaveLength(count)
        await expect(run(colors), 'the steps that were left out fail').rejects.toThrow(SmokeTestError)
      }
    } finally {
      await other.close()
    }
    expect(await usersLeft()).toBe(0)
  },
)

const optional = mfaEnvironment
const required = { ...mfaEnvironment, MFA_MODE: 'required' }
const passkeysOnly = { ...passkeyEnvironment, MFA_TOTP: 'false' }
const passkeysRequired = { ...passkeysOnly, MFA_MODE: 'required' }
const off = {}

describe('second factors', () => {
  const settings = { off, optional, required, passkeysOnly, passkeysRequired }
  type Mode = keyof typeof settings
  const started = new Map<Mode, AppForTest>()
  const urls = new Map<Mode, string>()
  beforeAll(async () => {
    for (const mode of ['off', 'optional', 'required', 'passkeysOnly', 'passkeysRequired'] as const) {
      const server = await startApp({ DATABASE_NAME: database, ...settings[mode] })
      started.set(mode, server)
      urls.set(mode, await server.app.listen({ host: '127.0.0.1', port: 0 }))
    }
  })
  afterAll(() => Promise.all([...started.values()].map((server) => server.close())))
  const callOf = (mode: Mode) => apiClient(urls.get(mode) ?? '')

  async function factorsLeft(): Promise<number> {
    await using client = new MongoClient(inject('mongoUrl'))
    const db = client.db(database)
    const counts = ['second_factors', 'mfa_challenges'].map((name) => db.collection(name).countDocuments())
    return (await Promise.all(counts)).reduce((sum, count) => sum + count)
  }

  const [atOld, atNew] = ['enrol an app at the old colour', 'enrol an app at the new colour']
  test.each<[old: Mode, next: Mode, enrols: string | undefined]>([
    ['optional', 'optional', atOld],
    ['required', 'required', atOld],
    ['optional', 'required', atOld],
    ['required', 'optional', atOld],
    ['off', 'optional', atNew],
    ['off', 'required', atNew],
    ['optional', 'off', undefined],
    ['required', 'off', undefined],
    ['passkeysOnly', 'passkeysOnly', undefined],
    ['passkeysOnly', 'optional', atNew],
    ['passkeysOnly', 'required', atNew],
    ['optional', 'passkeysOnly', atOld],
    ['required', 'passkeysOnly', atOld],
    ['off', 'passkeysOnly', undefined],
    ['passkeysRequired', 'off', undefined],
    ['passkeysRequired', 'passkeysOnly', undefined],
    ['passkeysRequired', 'optional', atNew],
    ['passkeysRequired', 'required', atNew],
  ])('from %s to %s: the steps pass, and neither a user nor a factor is left', async (old, next, enrols) => {
    await run({ live: callOf(old), preview: callOf(next) })
    expect(steps.filter((step) => step.startsWith('enrol'))).toEqual(enrols === undefined ? [] : [enrols])
    if (enrols !== undefined) expect(steps).toContain('login with its code')
    expect(await usersLeft()).toBe(0)
    expect(await factorsLeft()).toBe(0)
  })

  test('a version whose new users must add a passkey is reached, and no user is registered', async () => {
    const step: string[] = []
    await reachBoth({ live: callOf('passkeysRequired'), preview: callOf('passkeysRequired') }, (name) =>
      step.push(name),
    )
    expect(step).toEqual(['reach both colours'])
    expect(await usersLeft()).toBe(0)
    // Without the operator, which knows of it, the test says so.
    await expect(run({ live: callOf('off'), preview: callOf('passkeysRequired') })).rejects.toThrow(
      'login: the server requires a passkey, which this test cannot add',
    )
    expect(await usersLeft(), 'the other colour removes the user').toBe(0)
  })

  test('a version with its own database is tested alone', async () => {
    const other = await startApp({ ...required, DATABASE_NAME: freshDatabase() })
    try {
      const preview = apiClient(await other.app.listen({ host: '127.0.0.1', port: 0 }))
      await runSmokeTest({ live: callOf('off'), preview }, (step) => steps.push(step), 5_000, new Set(['database']))
      expect(steps).toContain('login with its code')
    } finally {
      await other.close()
    }
  })

  test('a run fits into the default limit of logins from one address', async () => {
    const limited = await startApp({ ...required, RATE_LIMIT_LOGIN: '10/h', DATABASE_NAME: freshDatabase() })
    try {
      const call = apiClient(await limited.app.listen({ host: '127.0.0.1', port: 0 }))
      await run({ live: call, preview: call })
      expect(steps).toContain('login with its code')
    } finally {
      await limited.close()
    }
  })

  test('a version in cookie mode passes', async () => {
    const cookies = { ...required, COOKIE_MODE: 'true', DATABASE_NAME: database }
    const other = await startApp(cookies)
    try {
      await run({
        live: callOf('required'),
        preview: apiClient(await other.app.listen({ host: '127.0.0.1', port: 0 })),
      })
      expect(steps).toContain('login with its code')
    } finally {
      await other.close()
    }
    expect(await usersLeft()).toBe(0)
  })

  test('a version without the key of the old one is detected, and the user is removed with the factor', async () => {
    const MFA_SECRET = 'another secret of second factors, long enough'
    const other = await startApp({ ...optional, MFA_SECRET, DATABASE_NAME: database })
    try {
      const preview = apiClient(await other.app.listen({ host: '127.0.0.1', port: 0 }))
      await expect(run({ live: callOf('optional'), preview })).rejects.toThrow(
        /^login with its code: the answer was 503 mfa_unreadable/,
      )
    } finally {
      await other.close()
    }
    expect(await usersLeft()).toBe(0)
    expect(await factorsLeft()).toBe(0)
  })
})

test('a version whose logins fail is detected', async () => {
  const broken = withFault(preview, '/v1/auth/login', 500)
  await expect(run({ live, preview: broken })).rejects.toThrow(/^login: the answer was 500 internal_error/)
  expect(await usersLeft(), 'the other colour removes the user').toBe(0)
})

test('a version that ignores revocations of the other one is detected, and the user is removed', async () => {
  let revoked = false
  const deaf: ApiClient = async (method, path, options) => {
    if (path === '/v1/auth/verify' && revoked) return { status: 200, body: {}, cookies: [] }
    return preview(method, path, options)
  }
  const watched: ApiClient = async (method, path, options) => {
    if (path === '/v1/auth/logout') revoked = true
    return live(method, path, options)
  }
  await expect(run({ live: watched, preview: deaf })).rejects.toThrow(
    /revoked, seen by the new colour: .*200 instead of 401/,
  )
  expect(await usersLeft()).toBe(0)
})

test('a version that refuses tokens of the old one is detected', async () => {
  const other = await startApp({ DATABASE_NAME: database, JWT_SECRET: 'a-secret-of-another-deployment-0123456789' })
  try {
    const url = await other.app.listen({ host: '127.0.0.1', port: 0 })
    await expect(run({ live, preview: apiClient(url) })).rejects.toThrow(SmokeTestError)
    expect(steps).toEqual(['reach both colours', 'register', 'login', 'verify', 'clean up'])
  } finally {
    await other.close()
  }
})

test('a colour that does not answer is a failure, not a hang', async () => {
  const nobody = apiClient('http://127.0.0.1:1')
  await expect(run({ live, preview: nobody }, 100)).rejects.toThrow(/^reach both colours: no response: /)
})

test('the smoke test waits for a Service that resolves a moment later than its pods are ready', async () => {
  let refusals = 3
  const late: ApiClient = async (method, path, options) => {
    if (refusals-- > 0) throw new TypeError('fetch failed', { cause: new Error('getaddrinfo ENOTFOUND') })
    return preview(method, path, options)
  }
  await run({ live, preview: late })
  expect(steps).toHaveLength(14)
})

test('the program prints each step, fails with the failed step, and writes its termination message', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'authservice-smoke-test-'))
  const TERMINATION_LOG = join(folder, 'termination-log')
  const runAsJob = async (urls: Partial<typeof environment & { NEEDS_PASSKEY: string }>) => {
    const { code, output } = await runProgram('smoke-test/main.ts', [], { ...urls, TERMINATION_LOG })
    const lines = output.trim().split('\n')
    expect(lines.at(-1)).toBe(await readFile(TERMINATION_LOG, 'utf8'))
    return { code, lines }
  }
  try {
    const passed = await runAsJob(environment)
    expect(passed.lines.at(-1)).toMatch(/^14 steps passed in \d+ ms: reach both colours \d+ ms, /)
    expect(passed.lines).toContainEqual(expect.stringMatching(/^login: passed in \d+ ms$/))
    expect(passed.code).toBe(0)

    const reached = await runAsJob({ ...environment, NEEDS_PASSKEY: 'true' })
    expect(reached.lines.at(-1)).toMatch(
      /^1 step passed in \d+ ms, without steps of a user: a new user must add a passkey, which this test cannot: reach/,
    )
    expect(reached.code).toBe(0)

    const { PREVIEW_URL: _, ...onlyLive } = environment
    const failed = await runAsJob(onlyLive)
    expect(failed).toEqual({ code: 1, lines: ['PREVIEW_URL is not set: it must be the URL of a colour'] })
  } finally {
    await rm(folder, { recursive: true })
  }
})
