import { randomUUID } from 'node:crypto'
import { MongoServerError } from 'mongodb'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Answer, type AppForTest, logIn, password } from './app-for-test.ts'
import { type Deployment, observe, startDeployment } from './outage.ts'

let deployment: Deployment
let server: AppForTest

beforeAll(async () => {
  deployment = await startDeployment()
  server = await deployment.start()
})
afterAll(() => deployment.remove())

const person = () => ({ email: `${randomUUID()}@example.com`, password, name: 'Somebody' })

/** Every answer is a documented one. */
function expectPromised(answers: readonly Answer[], allowed: readonly number[]): void {
  for (const { status, headers, body } of answers) {
    expect([...allowed, 503], JSON.stringify(body)).toContain(status)
    if (status < 400) continue
    expect(headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(body).toMatchObject({ status, code: expect.any(String), request_id: expect.any(String) })
    if (status === 503) expect(headers['retry-after']).toMatch(/^\d+$/)
  }
}

test("a write that the database's schema validation refuses is a 500 problem, with its cause in the log", async () => {
  const { usersCollection } = server.config.mongodb
  const { db } = server.app.mongo
  const users = db.collection(usersCollection)
  const admin = server.app.mongo.client.db(server.config.mongodb.database)
  await admin.command({ collMod: usersCollection, validator: { never: { $exists: true } } })
  const logged = vi.fn()
  const child = server.app.log.child.bind(server.app.log)
  vi.spyOn(server.app.log, 'child').mockImplementation((...fields) =>
    Object.assign(child(...fields), { error: logged }),
  )
  try {
    const answer = await server.post('/v1/auth/register', person())
    expectPromised([answer], [500])
    expect(answer).toMatchObject({ status: 500, body: { code: 'internal_error' } })
    const [{ err }] = logged.mock.calls[0] ?? [{}]
    expect(err).toBeInstanceOf(MongoServerError)
    expect(err).toMatchObject({ code: 121 })
  } finally {
    vi.restoreAllMocks()
    await admin.command({ collMod: usersCollection, validator: {} })
  }
  expect(await users.countDocuments({ name: 'Somebody' })).toBe(0)
})

describe('an error code of MongoDB', () => {
  const answerTo = async (code: number, errorLabels: string[] = []) => {
    const user = await logIn(server)
    const refused = vi
      .spyOn(server.app.mongo, 'transaction')
      .mockRejectedValue(new MongoServerError({ errmsg: 'not now', code, errorLabels }))
    try {
      return await server.post('/v1/auth/logout', {}, user.bearer)
    } finally {
      refused.mockRestore()
    }
  }
  test.each([
    6, 7, 24, 50, 64, 89, 91, 112, 133, 134, 189, 251, 262, 290, 9_001, 10_058, 10_107, 11_600, 11_602, 13_435, 13_436,
    14_031,
  ])('%i asks the client to retry', async (code) => {
    const answer = await answerTo(code)
    expectPromised([answer], [])
    expect(answer.body['code']).toBe('database_unavailable')
  })
  test('that is unknown asks for a retry if its label says so, and is a 500 otherwise', async () => {
    expectPromised([await answerTo(99_999, ['TransientTransactionError'])], [])
    const answer = await answerTo(99_999)
    expectPromised([answer], [500])
    expect(answer.status).toBe(500)
  })
})

test('while the primary steps down under load, every request is answered or asked to retry', async () => {
  const users = await Promise.all(Array.from({ length: 4 }, () => logIn(server)))
  const answers: Answer[] = []
  let isOver = false
  const client = async (index: number) => {
    const user = users[index % users.length]
    while (!isOver && user !== undefined) {
      answers.push(
        await server.post('/v1/auth/register', person()),
        await server.get('/v1/me', user.bearer),
        await server.delete('/v1/me/pending-email', user.bearer),
        await server.get('/v1/auth/verify', user.bearer),
      )
    }
  }
  const load = Array.from({ length: 8 }, (_, index) => client(index))
  const stepDown = async () => {
    await using direct = await deployment.mongo.connect()
    await direct.db('admin').command({ replSetStepDown: 1, secondaryCatchUpPeriodSecs: 0, force: true })
  }
  const isServed = async () => expect((await server.post('/v1/auth/register', person())).status).toBe(201)
  try {
    for (let round = 0; round < 3; round++) {
      await stepDown()
      await vi.waitFor(isServed, { timeout: 30_000, interval: 50 })
    }
  } finally {
    isOver = true
    await Promise.all(load)
  }
  expectPromised(answers, [200, 201, 204])
  expect(new Set(answers.map(({ status }) => status))).toContain(503)
  await expect.poll(() => observe(server, '/readyz')).toEqual({ status: 200, body: 'ready\n' })
})
