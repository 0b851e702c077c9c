import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { listOwnIdentities } from '../../../plugins/app/identity-providers/own-identities.ts'
import { IdentityList } from '../../../schemas/accounts.ts'

const listMyIdentities: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/me/identities',
    {
      schema: {
        operationId: 'listMyIdentities',
        summary: 'List the accounts of other providers that are linked to the user',
        tags: ['users'],
        security: [{ bearer: [] }],
        response: { 200: IdentityList },
        problems: ['rate_limited', 'database_unavailable'],
      },
    },
    async (request, reply) => {
      const { user } = await app.authenticateUser(request)
      const identities = await listOwnIdentities(app, user, app.callerOf(request, reply))
      reply.header('cache-control', 'no-store')
      return {
        identities: identities.map(({ _id: id, provider, name, email, createdAt, lastUsedAt }) => ({
          id,
          provider,
          name,
          email: email ?? null,
          created_at: createdAt.toISOString(),
          last_used_at: lastUsedAt.toISOString(),
        })),
      }
    },
  )
}

export default listMyIdentities
