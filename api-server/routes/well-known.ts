import etag from '@fastify/etag'
import type { FastifyInstance } from 'fastify'
import { noContent } from '../schemas/auth.ts'
import { KeySet, ServerMetadata } from '../schemas/well-known.ts'

/** A new key is published earlier than this before it signs: `activateAt` is at least 90 s ahead. */
const keySetMaxAgeSeconds = 60
const metadataMaxAgeSeconds = 300

const clientAuthentication = ['client_secret_basic', 'client_secret_post']

export default async function wellKnownRoutes(app: FastifyInstance): Promise<void> {
  await app.register(etag, { algorithm: 'sha256' })
  const notModified = noContent('Not changed since If-None-Match')

  app.get(
    '/.well-known/jwks.json',
    {
      config: { worksWithoutDatabase: true },
      schema: {
        operationId: 'getKeySet',
        summary: 'Get the public keys that verify access tokens (RFC 7517)',
        tags: ['tokens'],
        response: { 200: KeySet, 304: notModified },
      },
    },
    async (_request, reply) => {
      reply.header('cache-control', `public, max-age=${keySetMaxAgeSeconds}`)
      const now = new Date()
      const { keys } = app.tokens.keys.published(now)
      return { keys: [...keys, ...(app.oidc?.publishedKeys(now) ?? [])] }
    },
  )

  // The OpenID provider has more to tell.
  if (app.oidc !== undefined) return
  app.get(
    '/.well-known/oauth-authorization-server',
    {
      config: { worksWithoutDatabase: true },
      schema: {
        operationId: 'getServerMetadata',
        summary: 'Get the authorization server metadata (RFC 8414)',
        tags: ['oauth'],
        response: { 200: ServerMetadata, 304: notModified },
      },
    },
    async (_request, reply) => {
      reply.header('cache-control', `public, max-age=${metadataMaxAgeSeconds}`)
      return serverMetadata(app.config.issuer)
    },
  )
}

/** There is no authorization or token endpoint, because users log in through the API itself. */
function serverMetadata(issuer: string) {
  const base = issuer.replace(/\/$/, '')
  return {
    issuer,
    jwks_uri: `${base}/.well-known/jwks.json`,
    response_types_supported: [],
    grant_types_supported: [],
    introspection_endpoint: `${base}/oauth/introspect`,
    introspection_endpoint_auth_methods_supported: clientAuthentication,
    revocation_endpoint: `${base}/oauth/revoke`,
    revocation_endpoint_auth_methods_supported: clientAuthentication,
  }
}
