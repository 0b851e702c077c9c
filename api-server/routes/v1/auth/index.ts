import type { FastifyInstance } from 'fastify'
import csrf from './csrf.ts'
import email from './email.ts'
import login from './login.ts'
import loginMfa from './login-mfa.ts'
import logout from './logout.ts'
import passkeys from './passkeys/index.ts'
import password from './password.ts'
import refresh from './refresh.ts'
import register from './register.ts'
import stepUp from './step-up.ts'
import verify from './verify.ts'

export default async function authRoutes(app: FastifyInstance): Promise<void> {
  // Every response here concerns one person, so caches must not store it.
  app.addHook('onRequest', (_request, reply, done) => {
    reply.header('cache-control', 'no-store')
    done()
  })
  await app.register(register)
  await app.register(login)
  await app.register(refresh)
  await app.register(logout)
  await app.register(verify)
  if (app.mfa.isOn) {
    await app.register(loginMfa)
    await app.register(stepUp)
  }
  if (app.passkeys.isOn) await app.register(passkeys)
  if (app.config.cookieMode) await app.register(csrf)
  await app.register(password)
  await app.register(email)
}
