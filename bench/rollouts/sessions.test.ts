import { expect, test } from 'vitest'
import { Sessions } from './sessions.ts'

let issued = 0
const tokens = () => ({ access_token: `access-${++issued}`, refresh_token: `refresh-${issued}` })
const edge = {
  call: async (_method: string, path: string) => ({
    status: path.endsWith('/register') ? 201 : 200,
    body: tokens(),
    headers: {},
  }),
}

test('a session whose refresh got no tokens is the next to refresh, with the same token', async () => {
  const sessions = await Sessions.open(edge, 3)
  const failed = sessions.takeForRefresh()
  const token = failed?.refreshToken
  sessions.put(failed, { code: 'service_unavailable' })
  const again = sessions.takeForRefresh()
  expect(again).toBe(failed)
  expect(again?.refreshToken).toBe(token)
})

test('a session that got tokens waits for all others, and keeps the new token', async () => {
  const sessions = await Sessions.open(edge, 3)
  const first = sessions.takeForRefresh()
  const answer = tokens()
  sessions.put(first, answer)
  expect(first?.refreshToken).toBe(answer.refresh_token)
  expect([sessions.takeForRefresh(), sessions.takeForRefresh()]).not.toContain(first)
  expect(sessions.takeForRefresh()).toBe(first)
})
