import Provider from 'oidc-provider'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readImports } from '../../unit/imports/read-imports.ts'
import { type AppForTest, startApp } from './app-for-test.ts'
import { oidcFiles, shop } from './oidc-client.ts'

let server: AppForTest

beforeAll(async () => {
  server = await startApp((await oidcFiles([shop])).environment)
})
afterAll(() => server.close())

type Models =
  | 'AccessToken'
  | 'DeviceCode'
  | 'ClientCredentials'
  | 'IdToken'
  | 'RefreshToken'
  | 'ReplayDetection'
  | 'Session'
  | 'Client'

const methodOf = (provider: Provider, model: Models, name: string, isStatic: boolean): unknown =>
  Reflect.get(isStatic ? provider[model] : provider[model].prototype, name)

// An upgrade of the library that renames one of them would silently leave its own behaviour in place.
test.each([
  ['AccessToken', 'getValueAndPayload', false],
  ['ClientCredentials', 'getValueAndPayload', false],
  ['IdToken', 'payload', false],
  ['RefreshToken', 'generateTokenId', false],
  ['ReplayDetection', 'unique', true],
  ['Session', 'find', true],
  ['Session', 'findByUid', true],
  ['Session', 'destroy', false],
  ['Session', 'persist', false],
  ['DeviceCode', 'find', true],
  ['DeviceCode', 'getValueAndPayload', false],
  ['Client', 'compareClientSecret', false],
  ['Client', 'includeSid', false],
] as const)('the library has %s.%s, and this server replaces it', (model, name, isStatic) => {
  const plain = methodOf(new Provider('https://auth.example.com'), model, name, isStatic)
  const ours = server.app.oidc && methodOf(server.app.oidc.current(), model, name, isStatic)
  expect(plain).toBeTypeOf('function')
  expect(ours).toBeTypeOf('function')
  expect(String(ours)).not.toBe(String(plain))
})

test('the library stores of a login what this server adds to it', () => {
  const plain: unknown = Reflect.get(new Provider('https://auth.example.com').Session, 'IN_PAYLOAD')
  const ours: unknown = server.app.oidc && Reflect.get(server.app.oidc.current().Session, 'IN_PAYLOAD')
  expect(plain).toEqual(expect.arrayContaining(['uid', 'accountId', 'authorizations']))
  expect(ours).toEqual([...(plain as string[]), 'loginSid'])
})

test('the library stores of a device code what this server adds to it', () => {
  const plain: unknown = Reflect.get(new Provider('https://auth.example.com').DeviceCode, 'IN_PAYLOAD')
  const ours: unknown = server.app.oidc && Reflect.get(server.app.oidc.current().DeviceCode, 'IN_PAYLOAD')
  expect(plain).toEqual(expect.arrayContaining(['userCode', 'grantId', 'inFlight']))
  expect(ours).toEqual([...(plain as string[]), 'secretHash'])
})

test('without clients there is no route, and nothing loads the library', async () => {
  const off = await startApp()
  for (const url of ['/oauth/authorize', '/.well-known/openid-configuration', '/oauth/userinfo', '/oauth/logout']) {
    expect(await off.app.inject({ url })).toMatchObject({ statusCode: 404 })
  }
  expect((await off.get('/.well-known/oauth-authorization-server')).body).toMatchObject({ grant_types_supported: [] })
  await off.close()

  const imports = (await readImports(['api-server', 'contract'])).filter(
    ({ isType, isDynamic }) => !isType && !isDynamic,
  )
  const reached = new Set(['api-server/server.ts'])
  for (const file of reached) for (const each of imports) if (each.file === file) reached.add(each.imported)
  expect(reached).toContain('api-server/plugins/app/oidc/plugin.ts')
  expect(reached).not.toContain('oidc-provider')
  expect(reached).not.toContain('ghtml')
})
