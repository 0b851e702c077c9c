import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { usesByAddress } from '../limits/plugin.ts'
import { refusedToken } from '../oidc/assertion-type.ts'
import { recordClientRefusal } from '../oidc/client-refusal.ts'
import { problem } from '../problems/problem.ts'
import { assertionOf, credentialsOf, isClient } from './oauth-client.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * A hook for routes that only clients may call. Failures are limited by address. A client with the right secret is
     * admitted regardless of other failures from its address.
     * @throws Problem 401 `invalid_client`, 400 `bad_request`, 429 `rate_limited`
     */
    authenticateClient(request: FastifyRequest, reply: FastifyReply): Promise<void>
  }
  interface FastifyRequest {
    /** The client that `authenticateClient` has admitted. */
    clientId: string
    /** Whether it is a client of the OpenID provider, which may introspect and revoke only its own tokens. */
    mayUseOwnTokensOnly: boolean
  }
}

export default fp(
  async function oauthClients(app) {
    const { oauthClients: clients, limits } = app.config
    app.decorateRequest('clientId', '')
    app.decorateRequest('mayUseOwnTokensOnly', true)
    app.decorate('authenticateClient', async (request, reply) => {
      const asserted = await clientByAssertion(app, request)
      if (asserted !== undefined) {
        request.mayUseOwnTokensOnly = true
        request.clientId = asserted
        return
      }
      const credentials = credentialsOf(request.headers.authorization, request.body)
      if (credentials === 'twice')
        throw problem(400, 'bad_request', 'Send the credentials of the client once: with HTTP Basic or in the body.')
      if (typeof credentials === 'object') {
        const { id, secret } = credentials
        request.mayUseOwnTokensOnly = !isClient(clients, credentials)
        request.clientId = id
        if (!request.mayUseOwnTokensOnly || app.oidc?.clients.hasSecret(id, secret) === true) return
      }
      const clientId = knownClient(app, credentials)
      recordClientRefusal(app, { clientId, error: 'invalid_client', address: request.ip })
      await app.limits.of(request, reply).use(...usesByAddress('oauth-failures', request.ip, limits.login))
      throw problem(401, 'invalid_client', 'The client is unknown, or its secret is wrong.')
    })
  },
  { name: 'oauth-clients', dependencies: ['config', 'limits', 'metrics', 'security-events', 'oidc'] },
)

/** The client that a token of a ServiceAccount, or a JWT that it has signed, authenticates; undefined: none. */
async function clientByAssertion(app: FastifyInstance, request: FastifyRequest): Promise<string | undefined> {
  const sent = assertionOf(request.headers.authorization, request.body)
  if (sent === undefined || app.oidc === undefined) return undefined
  const now = new Date()
  const { serviceAccounts } = app.oidc.clients
  const authentication = await serviceAccounts.authenticate(sent.assertion, sent.clientId, now)
  if (authentication?.kind === 'client') return authentication.clientId
  if (authentication !== undefined) {
    request.log.info({ reason: authentication.reason }, refusedToken)
    return undefined
  }
  const clientId = await app.oidc.acceptAssertion(sent.assertion, now)
  // RFC 7521 section 4.2: a `client_id` beside it must be the same.
  return sent.clientId === undefined || sent.clientId === clientId ? clientId : undefined
}

/** @returns undefined for an ID that no client has */
function knownClient(app: FastifyInstance, credentials: ReturnType<typeof credentialsOf>): string | undefined {
  if (typeof credentials !== 'object') return undefined
  const { id } = credentials
  const isKnown = app.config.oauthClients.some((client) => client.id === id) || app.oidc?.clients.find(id) !== undefined
  return isKnown ? id : undefined
}
