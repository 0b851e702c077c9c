import formbody from '@fastify/formbody'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { interactionPath, paths } from '../../plugins/app/oidc/build-provider.ts'
import type { OpenIdProvider } from '../../plugins/app/oidc/open-id-provider.ts'
import { copyHeaders, prepareRequest } from '../../plugins/app/oidc/raw-request.ts'
import interaction from './interaction.ts'
import userinfo from './userinfo.ts'

/**
 * The endpoints of OpenID Connect. The library answers them; only these exact paths and methods reach it. Their own
 * documents describe them, so the API description does not.
 */
export default async function oidcRoutes(app: FastifyInstance, { oidc }: { oidc: OpenIdProvider }): Promise<void> {
  // Anybody can begin a login, which is stored before a user is known.
  app.addHook('onRequest', app.limits.perClient)
  await app.register(async (library) => {
    // The library reads the body itself.
    library.removeAllContentTypeParsers()
    library.addContentTypeParser('*', (_request, _body, done) => done(null))
    const answer = (request: FastifyRequest, reply: FastifyReply) => answerByLibrary(app, oidc, request, reply)
    const schema = { hide: true }
    for (const url of [paths.authorization, `${paths.authorization}/:uid`]) library.get(url, { schema }, answer)
    for (const url of [paths.token, paths.pushed_authorization_request]) library.post(url, { schema }, answer)
    library.route({ method: ['GET', 'POST'], url: paths.end_session, schema, handler: answer })
    library.post(`${paths.end_session}/confirm`, { schema }, answer)
    library.get(`${paths.end_session}/success`, { schema }, answer)
    const unstored = { schema, config: { worksWithoutDatabase: true } }
    library.get('/.well-known/openid-configuration', unstored, answer)
    library.get('/.well-known/oauth-authorization-server', unstored, (request, reply) => {
      // RFC 8414 has the same document at another path.
      request.raw.url = '/.well-known/openid-configuration'
      return answer(request, reply)
    })
  })
  await app.register(async (forms) => {
    forms.removeAllContentTypeParsers()
    await forms.register(formbody)
    // OpenID Connect Core section 3.1.2.1 wants POST, which the library allows only with cookies for other sites.
    forms.post(paths.authorization, { schema: { hide: true } }, (request, reply) => {
      const parameters = new URLSearchParams(request.body as Record<string, string>)
      return reply.redirect(`${app.config.issuer}${paths.authorization}?${parameters}`, 303)
    })
    await forms.register(interaction, { prefix: interactionPath, oidc })
    await forms.register(userinfo)
  })
}

async function answerByLibrary(
  app: FastifyInstance,
  oidc: OpenIdProvider,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  prepareRequest(request, app.config.issuer)
  // First, because an error after `hijack` would leave the request without an answer.
  const provider = oidc.current()
  // Its own forms go to clients, so they have no form-action. It adds the hash of their script to script-src.
  reply.header('content-security-policy', "default-src 'none';script-src 'self';base-uri 'none';frame-ancestors 'none'")
  copyHeaders(reply)
  reply.hijack()
  const { raw } = reply
  const isClosed = new Promise<void>((resolve) => raw.once('close', resolve))
  const { address, userAgent, limits } = app.callerOf(request, reply)
  const state = { address, userAgent, limits, response: raw }
  oidc.inRequest(state, () => provider.callback()(request.raw, raw))
  await isClosed
}
