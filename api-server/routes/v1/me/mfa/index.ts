import type { FastifyInstance } from 'fastify'
import confirmPasskey from './confirm-passkey.ts'
import confirmTotp from './confirm-totp.ts'
import listFactors from './list-factors.ts'
import removeFactor from './remove-factor.ts'
import renameFactor from './rename-factor.ts'
import renewRecoveryCodes from './renew-recovery-codes.ts'
import startPasskey from './start-passkey.ts'
import startTotp from './start-totp.ts'

/** Routes for users' own second factors. */
export default async function mfaRoutes(app: FastifyInstance): Promise<void> {
  // Secrets and codes must not be stored in caches.
  app.addHook('onRequest', (_request, reply, done) => {
    reply.header('cache-control', 'no-store')
    done()
  })
  await app.register(listFactors)
  await app.register(startTotp)
  await app.register(confirmTotp)
  await app.register(renameFactor)
  if (app.passkeys.isOn) {
    await app.register(startPasskey)
    await app.register(confirmPasskey)
  }
  await app.register(removeFactor)
  await app.register(renewRecoveryCodes)
}
