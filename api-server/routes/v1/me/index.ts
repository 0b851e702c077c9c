import type { FastifyInstance } from 'fastify'
import cancelEmailChange from './cancel-email-change.ts'
import changeMe from './change-me.ts'
import deleteMe from './delete-me.ts'
import endMySession from './end-my-session.ts'
import getMe from './get-me.ts'
import getMyClaims from './get-my-claims.ts'
import listMyIdentities from './list-my-identities.ts'
import listMySessions from './list-my-sessions.ts'
import mfaRoutes from './mfa/index.ts'
import unlinkMyIdentity from './unlink-my-identity.ts'

/** Routes for users' own accounts and sessions. */
export default async function meRoutes(app: FastifyInstance): Promise<void> {
  await app.register(getMe)
  await app.register(changeMe)
  await app.register(cancelEmailChange)
  await app.register(deleteMe)
  await app.register(listMySessions)
  await app.register(endMySession)
  await app.register(getMyClaims)
  await app.register(listMyIdentities)
  await app.register(unlinkMyIdentity)
  if (app.mfa.isOn) await app.register(mfaRoutes)
}
