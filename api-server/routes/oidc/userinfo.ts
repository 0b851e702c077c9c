import type { FastifyInstance } from 'fastify'
import { customClaims, userClaims } from '../../plugins/app/oidc/account.ts'
import { claimsOfGrant } from '../../plugins/app/oidc/asked-claims.ts'
import { paths } from '../../plugins/app/oidc/build-provider.ts'
import type { OpenIdProvider } from '../../plugins/app/oidc/open-id-provider.ts'
import { problem } from '../../plugins/app/problems/problem.ts'
import { isActive } from '../../plugins/app/users/user.ts'

/** The claims of the user of an access token. OpenID Connect Core section 5.3. */
export default async function userinfo(app: FastifyInstance, { oidc }: { oidc: OpenIdProvider }): Promise<void> {
  app.route({
    method: ['GET', 'POST'],
    url: paths.userinfo,
    schema: { hide: true },
    handler: async (request, reply) => {
      const claims = await app.authenticateRemembered(request, () => ({
        method: request.method,
        url: app.config.issuer + paths.userinfo,
      }))
      const { sub, sid, client_id: clientId = '', scope = '' } = claims
      if (!scope.split(' ').includes('openid')) throw problem(403, 'forbidden', 'The token lacks the scope openid.')
      const [user, session] = await Promise.all([app.users.findById(sub), app.sessions.findUnended(sid, new Date())])
      if (user === null || !isActive(user)) throw problem(401, 'session_revoked', 'The user was deleted or disabled.')
      await app.tokens.requireActive(claims)
      reply.header('cache-control', 'no-store')
      const { granted, forUserinfo } = claimsOfGrant(session?.oauth?.grant)
      const custom = await customClaims(app, user, oidc.clients.find(clientId), granted)
      return { ...custom, ...(await userClaims(app, user, scope, forUserinfo)) }
    },
  })
}
