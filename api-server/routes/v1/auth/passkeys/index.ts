import type { FastifyInstance } from 'fastify'
import login from './login.ts'
import secondStep from './second-step.ts'
import stepUp from './step-up.ts'

/** Routes for the use of passkeys. */
export default async function passkeyRoutes(app: FastifyInstance): Promise<void> {
  await app.register(login)
  await app.register(secondStep)
  await app.register(stepUp)
}
