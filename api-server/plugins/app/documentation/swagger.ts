import { createHash } from 'node:crypto'
import swagger from '@fastify/swagger'
import fp from 'fastify-plugin'
import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'
import Type from 'typebox'
import { noContent } from '../../../schemas/auth.ts'
import { refreshCookie } from '../cookie-mode/cookie-names.ts'
import { completeDocument, problemCodesKey } from './complete.ts'
import { impliedProblems } from './implied-problems.ts'

const cookieSchemes = {
  refreshCookie: { type: 'apiKey', in: 'cookie', name: refreshCookie, description: 'The refresh token' },
  csrfToken: { type: 'apiKey', in: 'header', name: 'X-CSRF-Token', description: 'Required together with the cookie' },
} as const

/** What the page at /docs may load and call: only this server, and only scripts and styles from its files. */
const pageSources = {
  'default-src': "'none'",
  'script-src': "'self'",
  // The one inline style of Swagger UI.
  'style-src': "'self' 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='",
  'img-src': "'self' data:",
  'connect-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
}

/** OpenAPI 3.1 at /openapi.json, generated from the schemas of the routes, and for reading at /docs. */
export default fp(
  async function apiDescription(app) {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'AuthService',
          version: '1',
          description:
            'Registers users, logs them in, and verifies their tokens. To try it, register, log in, and enter the `access_token` of the response under "Authorize".',
          license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
        },
        servers: [
          { url: '/', description: 'The server of this document' },
          { url: app.config.issuer, description: 'The issuer of the tokens' },
        ],
        tags: [
          { name: 'users', description: 'Registration, and requests of users about their own account' },
          { name: 'sessions', description: 'Login, refresh and logout' },
          ...(app.config.mfa.mode === 'off'
            ? []
            : [{ name: 'second factors', description: 'Second factors of users' }]),
          { name: 'tokens', description: 'Token verification and keys' },
          { name: 'oauth', description: 'For resource servers, with client credentials' },
          { name: 'admin', description: 'For administrators' },
          { name: 'service', description: 'Information about the server' },
        ],
        components: {
          securitySchemes: {
            ...(app.config.cookieMode && cookieSchemes),
            bearer: {
              type: 'http',
              scheme: 'bearer',
              bearerFormat: 'JWT',
              description: 'The `access_token` of a login',
            },
            client: {
              type: 'http',
              scheme: 'basic',
              description: 'ID and secret of a client; also accepted in the body (RFC 6749 section 2.3.1)',
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
      // The document is version 3.1, as configured above; the type of the plugin also allows 2.0 and 3.0.
      transformObject: (made) =>
        'openapiObject' in made ? completeDocument(made.openapiObject as OpenApi.Document) : {},
    })
    const options = { routePrefix: '/docs', staticCSP: pageSources, uiConfig: { validatorUrl: null } }
    await app.register(import('@fastify/swagger-ui'), options)
    const description = prepared(() => app.swagger())
    app.get(
      '/openapi.json',
      {
        schema: {
          operationId: 'getApiDescription',
          summary: 'This description',
          description: 'Available if DOCS_ENABLED is true; by default, everywhere except in production.',
          tags: ['service'],
          response: {
            200: Type.Object(
              {},
              { additionalProperties: true, description: 'OpenAPI 3.1', examples: [{ openapi: '3.1.0' }] },
            ),
            304: noContent('Not changed since If-None-Match'),
          },
        },
      },
      async (request, reply) => {
        const { body, etag } = description()
        reply.headers({ etag, 'cache-control': 'no-cache' })
        if (request.headers['if-none-match']?.includes(etag)) return reply.code(304).send(null)
        return reply.type('application/json').send(body)
      },
    )
  },
  { name: 'swagger', dependencies: ['config'] },
)

/** Generated once, with the first request, when all routes are known, because it takes 7 ms. */
function prepared(make: () => object): () => { body: Buffer; etag: string } {
  let made: { body: Buffer; etag: string } | undefined
  return () => {
    if (made === undefined) {
      const body = Buffer.from(JSON.stringify(make()))
      made = { body, etag: `"${createHash('sha256').update(body).digest('base64url')}"` }
    }
    return made
  }
}
