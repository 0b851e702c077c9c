import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { ObjectId } from 'mongodb'
import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { operationsOf } from '../../../api-server/plugins/app/documentation/document.ts'
import { apiDescription } from '../../../scripts/generate/api-description.ts'
import { type AppForTest, startApp } from './app-for-test.ts'
import { type Caller, requestsOf } from './contract/request-arbitrary.ts'
import { passkeyEnvironment } from './passkey-user.ts'

/** The number of requests for each operation. FUZZ_RUNS=1000 sends more. */
const runs = Number(process.env['FUZZ_RUNS'] ?? 30)
const secret = 'the secret of a client in a test, long enough'

const document: OpenApi.Document = await apiDescription()
let server: AppForTest

beforeAll(async () => {
  const OAUTH_CLIENTS = `gateway:${createHash('sha256').update(secret).digest('hex')}`
  server = await startApp({ ...passkeyEnvironment, OAUTH_CLIENTS, RATE_LIMIT_PER_CLIENT: '100000/s' })
})

afterAll(() => server.close())

/** Each run has its own user, since a request may end the session or delete the user. */
async function credentials(caller: Caller): Promise<Record<string, string>> {
  switch (caller) {
    case 'nobody':
      return {}
    case 'impostor':
      return { authorization: 'Bearer eyJhbGciOiJub25lIn0.e30.' }
    case 'client':
      return { authorization: `Basic ${Buffer.from(`gateway:${secret}`).toString('base64')}` }
    case 'user':
    case 'admin': {
      const now = new Date()
      const user = {
        _id: new ObjectId(),
        email: `${new ObjectId()}@example.com`,
        name: 'F',
        role: caller,
        is_active: true,
      }
      const times = { created_at: now, updated_at: now, last_login: now }
      const password_hash = `$2b$10$${'a'.repeat(53)}`
      await server.app.mongo.db
        .collection(server.config.mongodb.usersCollection)
        .insertOne({ ...user, ...times, password_hash })
      const { session } = await server.app.sessions.create({ userId: user._id, version: 0 }, now)
      const { token } = await server.app.tokens.issueAccessToken({
        userId: user._id.toHexString(),
        role: caller,
        session,
      })
      return { authorization: `Bearer ${token}` }
    }
  }
}

// contract/every-app.ts checks whether each answer is as described.
test.each(operationsOf(document).map((operation) => [operation.operation.operationId, operation] as const))(
  'no request to %s makes the server fail or answer with anything but the API description',
  { timeout: 120_000 },
  async (_name, operation) => {
    await fc.assert(
      fc.asyncProperty(requestsOf(operation, document), async ({ request, caller }) => {
        const headers = { ...request.headers, ...(await credentials(caller)) }
        const answer = await server.app.inject({ ...request, headers })
        expect(answer.statusCode, `${answer.body} for ${JSON.stringify({ ...request, headers })}`).toBeLessThan(500)
      }),
      { numRuns: runs },
    )
  },
)
