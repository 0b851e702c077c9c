import { randomUUID } from 'node:crypto'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify, { type FastifyInstance, LogController } from 'fastify'
import type { Config } from './config.ts'
import accounts from './plugins/app/accounts/plugin.ts'
import authenticate from './plugins/app/authenticate.ts'
import authenticateUser from './plugins/app/authenticate-user.ts'
import configPlugin from './plugins/app/config-plugin.ts'
import cookieMode from './plugins/app/cookie-mode/plugin.ts'
import draining from './plugins/app/draining.ts'
import databaseGuard from './plugins/app/health/database-guard.ts'
import health from './plugins/app/health/plugin.ts'
import limits from './plugins/app/limits/plugin.ts'
import loginAttempts from './plugins/app/login-attempts/plugin.ts'
import mail from './plugins/app/mail/plugin.ts'
import oauthClients from './plugins/app/oauth-clients/plugin.ts'
import { loggedError, loggedRequest } from './plugins/app/observability/log-lines.ts'
import metrics from './plugins/app/observability/metrics.ts'
import requestLog from './plugins/app/observability/request-log.ts'
import securityEvents from './plugins/app/observability/security-events.ts'
import oneTimeTokens from './plugins/app/one-time-tokens/plugin.ts'
import passwords from './plugins/app/passwords/plugin.ts'
import { refuseOtherMethods } from './plugins/app/problems/other-methods.ts'
import problems, { answerBadUrl } from './plugins/app/problems/plugin.ts'
import { answerUnreadable } from './plugins/app/problems/unreadable-request.ts'
import revocation from './plugins/app/revocation/plugin.ts'
import securityEventStore from './plugins/app/security-event-store/plugin.ts'
import sessions from './plugins/app/sessions/plugin.ts'
import tokens from './plugins/app/tokens/plugin.ts'
import users from './plugins/app/users/plugin.ts'
import cookies from './plugins/external/cookies.ts'
import documentation from './plugins/external/documentation.ts'
import mongo from './plugins/external/mongo.ts'
import redis from './plugins/external/redis.ts'
import security from './plugins/external/security.ts'
import smtp from './plugins/external/smtp.ts'
import tracing from './plugins/external/tracing.ts'
import oauthRoutes from './routes/oauth/index.ts'
import adminRoutes from './routes/v1/admin/index.ts'
import authRoutes from './routes/v1/auth/index.ts'
import meRoutes from './routes/v1/me.ts'
import mySessionsRoutes from './routes/v1/my-sessions.ts'
import wellKnownRoutes from './routes/well-known.ts'

/** The API as one Fastify instance, ready for `listen` or `inject`. */
export async function buildApp(config: Config): Promise<FastifyInstance> {
  const app = fastify({
    logger: loggerOptions(config),
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 16 * 1024,
    requestTimeout: config.requestTimeoutSeconds * 1000,
    keepAliveTimeout: 75_000,
    trustProxy: (_address, hop) => hop < config.trustProxyHops,
    return503OnClosing: false,
    requestIdHeader: false,
    genReqId: (request) => requestId(request.headers['x-request-id']),
    // Looked at every second, or a slow client would have half a minute more.
    http: {
      maxHeaderSize: 8 * 1024,
      headersTimeout: config.requestTimeoutSeconds * 1000,
      connectionsCheckingInterval: 1_000,
    },
    clientErrorHandler: answerUnreadable,
    frameworkErrors: answerBadUrl,
    // Longer ones are refused by the schemas of their routes, in the form of every error.
    routerOptions: { maxParamLength: 8 * 1024 },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    done()
  })

  const afterAllRoutes = refuseOtherMethods(app)
  await app.register(configPlugin, { config })
  await app.register(problems)
  await app.register(draining)
  await app.register(tracing)
  await app.register(requestLog)
  await app.register(metrics)
  await app.register(securityEvents)
  await app.register(security)
  await app.register(cookies)
  await app.register(documentation)
  await app.register(mongo)
  await app.register(databaseGuard)
  await app.register(securityEventStore)
  await app.register(redis)
  await app.register(tokens)
  await app.register(passwords)
  await app.register(users)
  await app.register(revocation)
  await app.register(sessions)
  await app.register(authenticate)
  await app.register(limits)
  await app.register(loginAttempts)
  await app.register(authenticateUser)
  await app.register(smtp)
  await app.register(mail)
  await app.register(oneTimeTokens)
  await app.register(accounts)
  await app.register(oauthClients)
  await app.register(cookieMode)
  await app.register(health)

  await app.register(wellKnownRoutes)
  await app.register(authRoutes, { prefix: '/v1/auth' })
  await app.register(meRoutes, { prefix: '/v1' })
  await app.register(mySessionsRoutes, { prefix: '/v1' })
  await app.register(adminRoutes, { prefix: '/v1/admin' })
  await app.register(oauthRoutes, { prefix: '/oauth' })
  afterAllRoutes()
  await app.ready()
  return app
}

/** A request keeps the id that a proxy gave it, when that is one. */
function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w.-]{8,128}$/.test(given) ? given : randomUUID()
}

/** What is logged of a request is in request-log.ts; no line has a header or a body in it. */
function loggerOptions({ logLevel }: Config) {
  return { level: logLevel, serializers: { req: loggedRequest, err: (error: Error) => loggedError(error) } }
}
