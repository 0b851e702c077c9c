import type { AddressInfo } from 'node:net'
import { expect, test, vi } from 'vitest'
import { problem } from '../../../api-server/plugins/app/problems/problem.ts'
import { AuthError, EnrolmentRequired, Session } from '../../../docs/server/client/client.ts'
import { password, startApp } from './app-for-test.ts'
import { codeOf, enrol, mfaEnvironment } from './second-factor.ts'

test('the example of a typed client logs in, refreshes an expired token by itself, and logs out', async () => {
  const server = await startApp()
  try {
    await server.app.listen({ host: '127.0.0.1', port: 0 })
    // The type of a TCP server's address.
    const { port } = server.app.server.address() as AddressInfo
    const email = 'client@example.com'
    await server.post('/v1/auth/register', { email, password, name: 'Client' })

    const session = new Session(`http://127.0.0.1:${port}`)
    await expect(session.logIn(email, 'a wrong password')).rejects.toMatchObject({ code: 'invalid_credentials' })
    expect(await session.logIn(email, password)).toMatchObject({ email })
    const refresh = vi.spyOn(server.app.sessions, 'refresh')
    const expired = problem(401, 'token_expired', 'The token has expired. Refresh it.')
    vi.spyOn(server.app, 'authenticate').mockRejectedValueOnce(expired).mockRejectedValueOnce(expired)
    expect(await Promise.all([session.me(), session.me()])).toMatchObject([{ email }, { email }])
    expect(refresh).toHaveBeenCalledTimes(1)
    await session.logOut()
    await expect(session.me()).rejects.toBeInstanceOf(AuthError)
  } finally {
    await server.close()
  }
})

test('the example of a typed client asks for a code of a user who has a second factor', async () => {
  const server = await startApp(mfaEnvironment)
  try {
    await server.app.listen({ host: '127.0.0.1', port: 0 })
    // The type of a TCP server's address.
    const { port } = server.app.server.address() as AddressInfo
    const user = await enrol(server)
    const session = new Session(`http://127.0.0.1:${port}`)
    await expect(session.logIn(user.email, password)).rejects.toThrow('pass askForCode')
    const wrong = session.logIn(user.email, password, async () => '000')
    await expect(wrong).rejects.toMatchObject({ code: 'mfa_code_wrong' })
    const { email } = user
    expect(await session.logIn(email, password, async () => codeOf(user.secret))).toMatchObject({ email })
    expect(await session.me()).toMatchObject({ email })
  } finally {
    await server.close()
  }
})

test('the example of a typed client says that a user must enrol a second factor', async () => {
  const server = await startApp({ ...mfaEnvironment, MFA_MODE: 'required' })
  try {
    await server.app.listen({ host: '127.0.0.1', port: 0 })
    // The type of a TCP server's address.
    const { port } = server.app.server.address() as AddressInfo
    const email = 'client@example.com'
    await server.post('/v1/auth/register', { email, password, name: 'Client' })
    const refused: unknown = await new Session(`http://127.0.0.1:${port}`)
      .logIn(email, password)
      .catch((error) => error)
    expect(refused).toBeInstanceOf(EnrolmentRequired)
    expect(refused).toMatchObject({ enrolmentToken: expect.stringMatching(/^enrolment_/) })
  } finally {
    await server.close()
  }
})
