import swagger from '@fastify/swagger'
import fp from 'fastify-plugin'
import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'
import Type from 'typebox'
import { completeDocument, problemCodesKey } from '../../openapi/complete.ts'
import { impliedProblems } from '../../openapi/implied-problems.ts'
import { refreshCookie } from '../app/cookie-mode/cookie-names.ts'

const cookieSchemes = {
  refreshCookie: { type: 'apiKey', in: 'cookie', name: refreshCookie, description: 'The refresh token' },
  csrfToken: { type: 'apiKey', in: 'header', name: 'X-CSRF-Token', description: 'Beside the cookie' },
} as const

/** What the page at /docs may load and call: this server alone, and no script or style but its files. */
const pageSources = {
  'default-src': "'none'",
  'script-src': "'self'",
  // The one style that Swagger UI writes into the page itself.
  'style-src': "'self' 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='",
  'img-src': "'self' data:",
  'connect-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
}

/** OpenAPI 3.1, made from the routes' schemas; for reading at /docs where that is enabled. */
export default fp(
  async function documentation(app) {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'AuthService',
          version: '1',
          description:
            'Registers users, logs them in, and answers for their tokens. To try it: register, log in, and put the `access_token` of the answer into "Authorize".',
          license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
        },
        servers: [
          { url: '/', description: 'Where this document comes from' },
          { url: app.config.issuer, description: 'The issuer of the tokens' },
        ],
        tags: [
          { name: 'users', description: 'Accounts: registering, and what users do with their own' },
          { name: 'sessions', description: 'Logging in, staying logged in, logging out' },
          { name: 'tokens', description: 'Whether a token is good, and with which keys' },
          { name: 'oauth', description: 'For resource servers, with the credentials of a client' },
          { name: 'admin', description: 'For administrators' },
          { name: 'service', description: 'The service about itself' },
        ],
        components: {
          securitySchemes: {
            ...(app.config.cookieMode && cookieSchemes),
            bearer: {
              type: 'http',
              scheme: 'bearer',
              bearerFormat: 'JWT',
              description: 'The `access_token` of a log-in',
            },
            client: {
              type: 'http',
              scheme: 'basic',
              description: 'Id and secret of a client; in the body as well (RFC 6749 section 2.3.1)',
            },
          },
        },
      },
      stripBasePath: false,
      convertConstToEnum: false,
      transform: ({ schema, url, route }) => ({
        schema: {
          ...schema,
          [problemCodesKey]: [...impliedProblems(route.method, schema), ...(schema?.problems ?? [])],
        },
        url,
      }),
      // The document is of 3.1, as asked for above; the type of the plugin allows for 2.0 and 3.0 as well.
      transformObject: (made) =>
        'openapiObject' in made ? completeDocument(made.openapiObject as OpenApi.Document) : {},
    })
    // Loaded only where it is wanted: it holds memory that a server in production does without.
    if (app.config.docsEnabled) {
      const options = { routePrefix: '/docs', staticCSP: pageSources, uiConfig: { validatorUrl: null } }
      await app.register(import('@fastify/swagger-ui'), options)
    }
    app.get(
      '/openapi.json',
      {
        schema: {
          operationId: 'getApiDescription',
          summary: 'This description',
          tags: ['service'],
          response: {
            200: Type.Object(
              {},
              { additionalProperties: true, description: 'OpenAPI 3.1', examples: [{ openapi: '3.1.0' }] },
            ),
          },
        },
      },
      async () => app.swagger(),
    )
  },
  { name: 'documentation', dependencies: ['config'] },
)
