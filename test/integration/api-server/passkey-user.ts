import type { CreationOptions, RequestOptions } from '../../../api-server/plugins/app/passkeys/options.ts'
import { parseEmail } from '../../../api-server/plugins/app/users/email.ts'
import type { UserKey } from '../../../api-server/plugins/app/users/user-key.ts'
import type { ServerEnvironment } from '../../../contract/environment.ts'
import { type Answer, type AppForTest, type LoggedIn, logIn, password, tokensOf } from './app-for-test.ts'
import { mfaEnvironment } from './second-factor.ts'
import { type Deviation, SoftwareAuthenticator } from './software-authenticator.ts'

/** Second factors and passkeys, without limits that a test reaches by accident. */
export const passkeyEnvironment: ServerEnvironment = {
  ...mfaEnvironment,
  WEBAUTHN_RP_ID: 'example.com',
  WEBAUTHN_ORIGINS: 'https://app.example.com, https://example.com',
}

/** A user with a passkey. */
export interface PasskeyUser extends LoggedIn {
  id: UserKey
  authenticator: SoftwareAuthenticator
  factorId: string
  recoveryCodes: string[]
}

/** The options of an answer. @throws Error if it is no success */
export function optionsOf<Options extends CreationOptions | RequestOptions>({ status, body }: Answer): Options {
  if (status !== 200) throw new Error(`asking for options answered ${status}: ${JSON.stringify(body)}`)
  // The API description is compared with every answer.
  return body as unknown as Options
}

export function startPasskey(server: AppForTest, { bearer }: Pick<LoggedIn, 'bearer'>): Promise<Answer> {
  return server.post('/v1/me/mfa/passkeys', { current_password: password }, bearer)
}

/** Creates a passkey and sends it. */
export async function addPasskey(
  server: AppForTest,
  user: Pick<LoggedIn, 'bearer'>,
  authenticator = new SoftwareAuthenticator(),
  deviation: Deviation = {},
  name = 'Laptop',
): Promise<Answer> {
  const options = optionsOf<CreationOptions>(await startPasskey(server, user))
  const credential = authenticator.create(options, deviation)
  return server.post('/v1/me/mfa/passkeys/confirm', { name, credential }, user.bearer)
}

/** Registers a user, and adds a passkey. */
export async function enrolPasskey(
  server: AppForTest,
  authenticator = new SoftwareAuthenticator(),
): Promise<PasskeyUser> {
  const user = await logIn(server)
  const found = await server.app.users.findByEmail(parseEmail(user.email))
  if (found === null) throw new Error('the user is gone')
  const { status, body } = await addPasskey(server, user, authenticator)
  if (status !== 200) throw new Error(`confirming answered ${status}: ${JSON.stringify(body)}`)
  const recoveryCodes = [body['recovery_codes']].flat().map(String)
  const factorId = String(body['factor_id'])
  return { email: user.email, ...tokensOf(body), id: found._id, authenticator, factorId, recoveryCodes }
}

/** The options of a login by a passkey alone. */
export async function loginOptions(server: AppForTest, headers: Record<string, string> = {}): Promise<RequestOptions> {
  return optionsOf(await server.post('/v1/auth/passkeys/options', undefined, headers))
}

export async function logInByPasskey(
  server: AppForTest,
  authenticator: SoftwareAuthenticator,
  deviation: Deviation = {},
): Promise<Answer> {
  const credential = authenticator.get(await loginOptions(server), deviation)
  return server.post('/v1/auth/passkeys/login', { credential })
}

/** The first step of a login, and the options of the second one. */
export async function firstPasskeyStep(
  server: AppForTest,
  { email }: Pick<LoggedIn, 'email'>,
): Promise<{ mfaToken: string; options: RequestOptions }> {
  const first = await server.post('/v1/auth/login', { email, password })
  if (first.status !== 202) throw new Error(`the first step answered ${first.status}: ${JSON.stringify(first.body)}`)
  const mfaToken = String(first.body['mfa_token'])
  const options = optionsOf<RequestOptions>(
    await server.post('/v1/auth/login/mfa/passkey/options', { mfa_token: mfaToken }),
  )
  return { mfaToken, options }
}

export async function secondPasskeyStep(
  server: AppForTest,
  user: Pick<PasskeyUser, 'email' | 'authenticator'>,
  deviation: Deviation = {},
): Promise<Answer> {
  const { mfaToken, options } = await firstPasskeyStep(server, user)
  const credential = user.authenticator.get(options, deviation)
  return server.post('/v1/auth/login/mfa/passkey', { mfa_token: mfaToken, credential })
}

export async function stepUpByPasskey(
  server: AppForTest,
  user: Pick<PasskeyUser, 'bearer' | 'authenticator'>,
  deviation: Deviation = {},
): Promise<Answer> {
  const options = optionsOf<RequestOptions>(
    await server.post('/v1/auth/step-up/passkey/options', undefined, user.bearer),
  )
  return server.post(
    '/v1/auth/step-up/passkey',
    { credential: user.authenticator.get(options, deviation) },
    user.bearer,
  )
}
