import formbody from '@fastify/formbody'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { usesByAddress } from '../../plugins/app/limits/plugin.ts'
import { interactionPath, paths } from '../../plugins/app/oidc/build-provider.ts'
import type { OpenIdProvider } from '../../plugins/app/oidc/open-id-provider.ts'
import { copyHeaders, prepareRequest } from '../../plugins/app/oidc/raw-request.ts'
import { withAnswerOfRequestObject } from '../../plugins/app/oidc/request-object.ts'
import { withClientSecret } from '../../plugins/app/oidc/service-account-request.ts'
import accountRoutes from './account/index.ts'
import { replyWithFailure, replyWithPage, sendFailure } from './failure.ts'
import { requireOwnOrigin } from './forms.ts'
import interaction from './interaction.ts'
import { providerCallback } from './interaction-providers.ts'
import language from './language.ts'
import script from './script.ts'
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
    library.setErrorHandler((error: FastifyError, request, reply) =>
      replyWithFailure(error, request, reply, oidc.pages),
    )
    // `answerByLibrary` watches the database, because it must answer after `hijack`.
    const options = { schema: { hide: true }, config: { worksWithoutDatabase: true } }
    library.get(paths.authorization, options, (request, reply) => {
      request.raw.url = withAnswerOfRequestObject(request.url)
      return answer(request, reply)
    })
    library.get(`${paths.authorization}/:uid`, options, answer)
    await library.register(async (ofClients) => {
      const form = { parseAs: 'buffer', bodyLimit: mostFormBytes } as const
      ofClients.addContentTypeParser('application/x-www-form-urlencoded', form, (_request, body, done) =>
        done(null, body),
      )
      for (const url of clientPaths) ofClients.post(url, options, answer)
    })
    library.get(paths.code_verification, options, answer)
    library.get(`${paths.code_verification}/:uid`, options, answer)
    library.post(paths.code_verification, options, async (request, reply) => {
      // Each request can be a guess of the code of another person. RFC 8628 section 5.1.
      const { login } = app.config.limits
      await app.limits.of(request, reply).use(...usesByAddress('device-code', request.ip, login))
      return answer(request, reply)
    })
    library.route({ method: ['GET', 'POST'], url: paths.end_session, ...options, handler: answer })
    library.post(`${paths.end_session}/confirm`, options, answer)
    library.get(`${paths.end_session}/success`, options, answer)
    const answerUnstored = (request: FastifyRequest, reply: FastifyReply) => hijack(app, oidc, request, reply)
    library.get('/.well-known/openid-configuration', options, answerUnstored)
    library.get('/.well-known/oauth-authorization-server', options, (request, reply) => {
      // RFC 8414 has the same document at another path.
      request.raw.url = '/.well-known/openid-configuration'
      return answerUnstored(request, reply)
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
    await forms.register(async (routes) => {
      const { pages } = oidc
      routes.addHook('preHandler', requireOwnOrigin(app, pages))
      routes.setErrorHandler((error: FastifyError, request, reply) => replyWithPage(error, request, reply, pages))
      await routes.register(interaction, { prefix: interactionPath, oidc })
      providerCallback(routes)
      await routes.register(accountRoutes, { prefix: '/account', oidc })
    })
    if (app.passkeys.isOn) await forms.register(script)
    await forms.register(userinfo, { oidc })
    await forms.register(language, { pages: oidc.pages })
  })
}

/** The endpoints at which clients authenticate. */
const clientPaths = [paths.token, paths.pushed_authorization_request, paths.device_authorization]

/** More than the library accepts, in bytes, so that it answers for longer ones. */
const mostFormBytes = 64 * 1024

/** Refuses at once while MongoDB is unavailable, and what waits for it when the outage is detected. */
async function answerByLibrary(
  app: FastifyInstance,
  oidc: OpenIdProvider,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  try {
    await app.mongo.watch.whileUp(async () => {
      await app.databaseSchema.assertUsable()
      await hijack(app, oidc, request, reply)
    })
  } catch (error) {
    if (!reply.sent) throw error
    sendFailure(error, request, reply.raw, oidc.pages)
  }
}

/** Hands the request to the library. @returns when it is answered */
async function hijack(
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
  const { raw } = reply
  const { address, userAgent, limits } = app.callerOf(request, reply)
  const fail = (error: unknown) => sendFailure(error, request, raw, oidc.pages)
  const isTokenRequest = request.routeOptions.url === paths.token
  const state = { address, userAgent, isTokenRequest, limits, response: raw, fail }
  const forLibrary = Buffer.isBuffer(request.body)
    ? await withClientSecret(
        { raw: request.raw, form: request.body, state, log: request.log },
        oidc.clients.serviceAccounts,
        new Date(),
      )
    : request.raw
  reply.hijack()
  const isClosed = new Promise<void>((resolve) => raw.once('close', resolve))
  oidc.inRequest(state, () => provider.callback()(forLibrary, raw))
  await isClosed
}
