import { afterAll, beforeAll, expect, test } from 'vitest'
import { issueCertificate } from '../../../operator/authservice/secrets/system-sources.ts'
import { configInput, EdgeUnderTest } from './edge-under-test.ts'

let edge: EdgeUnderTest

beforeAll(async () => {
  edge = await EdgeUnderTest.create((_incoming, outgoing) => outgoing.end('ok'))
  await edge.config.mount({ 'nginx.conf': edge.configText(configInput()) })
  await edge.tls.mount(issueCertificate(['auth.example.com'], new Date()))
  await edge.start()
})
afterAll(() => edge.remove())

test.each([
  ['page-one', '/oauth/interaction/secret-3', '/oauth/interaction/*'],
  ['page-two', '/oauth/interaction/secret-3/login', '/oauth/interaction/*/login'],
  ['page-three', '/oauth/authorize/secret-3', '/oauth/authorize/*'],
  ['page-of-device', '/oauth/device/secret-3', '/oauth/device/*'],
  ['page-four', '/oauth/authorize?state=secret-3', '/oauth/authorize'],
  ['not-a-page', '/v1/me/sessions/one', '/v1/me/sessions/one'],
])('the log does not say which login a page belongs to: %s', async (id, path, logged) => {
  await edge.call(path, { headers: { 'x-request-id': id } })
  const pathOf = () => {
    const line = edge.output.split('\n').find((each) => each.includes(id))
    return line === undefined ? undefined : JSON.parse(line).path
  }
  await expect.poll(pathOf, { timeout: 10_000 }).toBe(logged)
  expect(edge.output).not.toContain('secret-3')
})
