import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify, { type FastifyInstance, LogController } from 'fastify'
import api from './app.ts'
import type { Config } from './config/config.ts'
import { trustForwardedFrom } from './plugins/app/limits/client-address.ts'
import { loggedError, loggedRequest } from './plugins/app/observability/log-lines.ts'
import { requestIdOf } from './plugins/app/observability/request-id.ts'
import { respondToClientError } from './plugins/app/problems/client-error.ts'
import { respondToBadUrl } from './plugins/app/problems/plugin.ts'

/** The API on its own Fastify instance, ready for `listen` or `inject`. */
export async function buildApp(config: Config): Promise<FastifyInstance> {
  const trustForwarded = trustForwardedFrom(config.trustedProxies)
  const app = fastify({
    logger: loggerOptions(config),
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 16 * 1024,
    requestTimeout: config.requestTimeoutSeconds * 1000,
    keepAliveTimeout: 75_000,
    // Runs before anything reads the headers. It reduces X-Forwarded-For to the one address that counts.
    rewriteUrl: (request) => {
      trustForwarded(request)
      return request.url ?? '/'
    },
    trustProxy: (_address, hop) => hop === 0,
    return503OnClosing: false,
    requestIdHeader: false,
    genReqId: requestIdOf,
    // Checked every second. By default, a slow client would have half a minute more.
    http: {
      maxHeaderSize: 8 * 1024,
      headersTimeout: config.requestTimeoutSeconds * 1000,
      connectionsCheckingInterval: 1_000,
    },
    clientErrorHandler: respondToClientError,
    frameworkErrors: respondToBadUrl,
    // Longer parameters are refused by the schemas of their routes, with a problem document.
    routerOptions: { maxParamLength: 8 * 1024 },
    // The whole startup is one plugin. Steps that wait for a database have a timeout of their own.
    pluginTimeout: 120_000,
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
  }).withTypeProvider<TypeBoxTypeProvider>()
  await app.register(api, { config })
  await app.ready()
  return app
}

/** request-log.ts logs requests. No line contains a header or a body. */
function loggerOptions({ logLevel }: Config) {
  return { level: logLevel, serializers: { req: loggedRequest, err: (error: Error) => loggedError(error) } }
}
