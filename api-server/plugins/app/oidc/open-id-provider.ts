import { AsyncLocalStorage } from 'node:async_hooks'
import type { JsonWebKey } from 'node:crypto'
import type { OidcClient } from '@authservice-operator/contract/oidc-client-schema.ts'
import type { FastifyInstance } from 'fastify'
import type Provider from 'oidc-provider'
import type { OidcConfig } from '../../../config/oidc.ts'
import type { Pages } from '../../../pages/pages.ts'
import { KeyFile } from '../tokens/key-file.ts'
import { ProofError, type ProofTarget } from '../tokens/possession.ts'
import { accountPagesClient } from './account-pages-client.ts'
import { buildProvider } from './build-provider.ts'
import { checkAssertion } from './check-assertion.ts'
import { ClientRegistry } from './client-registry.ts'
import { checkProof } from './dpop-proof.ts'
import { IdTokenKeys } from './id-token-keys.ts'
import { LogoutSender } from './logout-sender.ts'
import type { RequestState } from './request-state.ts'
import { type OidcState, useOnce } from './state-adapter.ts'

/** The OpenID provider of this server. */
export interface OpenIdProvider {
  /**
   * The library with the current keys. A request uses the one that it began with: the keys of the library are fixed, so
   * another one replaces it when the keys change. Decision 70.
   */
  current(): Provider
  /** Runs what belongs to one request of the library. */
  inRequest<Result>(state: RequestState, run: () => Result): Result
  clients: ClientRegistry
  pages: Pages
  /**
   * Accepts a DPoP proof of a request to this server, or to one that asks it, once on all servers.
   * @throws ProofError, or a Problem 503 while MongoDB is unavailable
   */
  acceptProof(proof: unknown, target: ProofTarget, now: Date): Promise<void>
  /**
   * The client that an assertion authenticates, once on all servers, at the endpoints that the library does not answer.
   * RFC 7523 section 3. @returns undefined: the assertion is refused @throws a Problem 503 while MongoDB is unavailable
   */
  acceptAssertion(assertion: string, now: Date): Promise<string | undefined>
  /** The public keys that verify ID tokens, for the JWKS document. */
  publishedKeys(now: Date): JsonWebKey[]
  /** The name of a client, as users see it. */
  nameOf(clientId: string): string
}

/** Reads the files and follows them. @throws when one of them is unusable */
export async function startOpenIdProvider(app: FastifyInstance, settings: OidcConfig): Promise<OpenIdProvider> {
  const keys = new IdTokenKeys()
  const keyFile = new KeyFile(settings.keysFile, keys.asFile(), (news) => {
    if (news.kind === 'unusable') app.log.error({ reason: news.reason }, 'earlier keys of ID tokens stay in use')
    else app.log.info({ event: 'oidc_keys' }, 'the keys of ID tokens were loaded')
  })
  await keyFile.load()
  keyFile.follow()

  const clients = new ClientRegistry(
    settings.clientsFile,
    app.config.audience,
    accountPagesClient(app.config.issuer),
    (reason) => app.log.error({ reason }, 'earlier clients of the OpenID provider stay in use'),
  )
  await clients.load()
  clients.follow()
  const logouts = new LogoutSender(app, clients, keys)
  logouts.start()
  app.addHook('onClose', async () => {
    await keyFile.stop()
    await clients.stop()
    await logouts.stop()
  })

  const { pages } = app
  const states = app.mongo.db.collection<OidcState>('oauth_state', { readPreference: 'primary' })
  const requests = new AsyncLocalStorage<RequestState>()
  let built: { provider: Provider; signs: string } | undefined
  const find = (clientId: string): OidcClient | undefined => clients.find(clientId)
  return {
    current() {
      const now = new Date()
      const signs = keys.versionAt(now)
      if (built?.signs !== signs) {
        const parts = { keys: keys.privateKeys(now), clients, pages, requests, states }
        built = { provider: buildProvider(app, parts), signs }
      }
      return built.provider
    },
    inRequest: (state, run) => requests.run(state, run),
    async acceptAssertion(assertion, now) {
      const accepted = await checkAssertion(assertion, { find, issuer: app.config.issuer }, now)
      if (accepted === undefined) return undefined
      const { clientId, jti, until } = accepted
      // The name that the library gives it, so that it counts once at all endpoints together.
      const id = JSON.stringify([clientId, jti])
      const isNew = await app.mongo.watch.whileUp(() => useOnce(states, 'ReplayDetection', id, until))
      return isNew ? clientId : undefined
    },
    async acceptProof(proof, target, now) {
      const { id, until } = await checkProof(proof, target, now)
      const isNew = await app.mongo.watch.whileUp(() => useOnce(states, 'ReplayDetection', id, until))
      if (!isNew) throw new ProofError('it was used before')
    },
    clients,
    pages,
    publishedKeys: (now) => keys.published(now),
    nameOf: (clientId) => find(clientId)?.name ?? clientId,
  }
}
