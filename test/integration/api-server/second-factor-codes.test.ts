import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AppForTest } from './app-for-test.ts'
import { codeOf, enrol, firstStep, type MfaDeployment, secondStep, startDeployment } from './second-factor.ts'

/** Two servers of one deployment. */
let deployment: MfaDeployment
let server: AppForTest
let other: AppForTest

beforeAll(async () => {
  deployment = await startDeployment()
  server = deployment.server
  other = deployment.other
})
afterAll(() => deployment.close())

test('of 40 uses by 8 clients on two servers, one succeeds', { timeout: 120_000 }, async () => {
  const user = await enrol(server)
  const tokens = await Promise.all(Array.from({ length: 8 }, () => firstStep(server, user)))
  const code = codeOf(user.secret)
  const client = async (token: string, index: number) => {
    const statuses: number[] = []
    for (let use = 0; use < 5; use++) {
      statuses.push((await secondStep((index + use) % 2 === 0 ? server : other, token, code)).status)
    }
    return statuses
  }
  const statuses = (await Promise.all(tokens.map(client))).flat()
  expect(statuses.filter((status) => status === 200)).toHaveLength(1)
  // What is left of a used token, and a used code.
  expect(statuses.filter((status) => ![200, 401, 403].includes(status))).toEqual([])
})

/** Calls `use` 400 times for the two servers, by 20 callers that do not pause. @returns how often it was accepted */
async function acceptedOf(use: (at: AppForTest) => Promise<boolean>): Promise<number> {
  const caller = async (_: unknown, index: number) => {
    let accepted = 0
    for (let call = 0; call < 20; call++) accepted += (await use((index + call) % 2 === 0 ? server : other)) ? 1 : 0
    return accepted
  }
  const counts = await Promise.all(Array.from({ length: 20 }, caller))
  return counts.reduce((sum, count) => sum + count, 0)
}

test('of 400 uses of a step in two stores, one succeeds', { timeout: 120_000 }, async () => {
  const { id, factorId } = await enrol(server)
  const step = Math.floor(Date.now() / 30_000)
  expect(await acceptedOf((at) => at.app.mfa.factors.useStep(id, factorId, step, new Date()))).toBe(1)
})

test('of 400 uses of a recovery code in two stores, one succeeds', { timeout: 120_000 }, async () => {
  const user = await enrol(server)
  const [hash = ''] = (await server.app.mfa.factors.find(user.id))?.recoveryCodes ?? []
  expect(await acceptedOf((at) => at.app.mfa.factors.useRecoveryCode(user.id, hash))).toBe(1)
})
