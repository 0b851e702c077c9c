import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { readProfile } from '../../../plugins/app/accounts/profile.ts'
import { Profile } from '../../../schemas/accounts.ts'
import { profileResponse } from './profile-response.ts'

const getMe: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/me',
    {
      schema: {
        operationId: 'getMe',
        summary: 'The user of the access token',
        tags: ['users'],
        security: [{ bearer: [] }],
        response: { 200: Profile },
        problems: ['database_unavailable'],
      },
    },
    async (request, reply) => {
      const { sub: userId } = await app.authenticate(request)
      const profile = await readProfile(app, userId, app.callerOf(request, reply))
      reply.header('cache-control', 'no-store')
      return profileResponse(profile)
    },
  )
}

export default getMe
