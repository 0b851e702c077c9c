import type { EventEmitter } from 'node:events'
import type { FastifyInstance } from 'fastify'
import type Provider from 'oidc-provider'
import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import { usesByAddress } from '../limits/plugin.ts'
import { recordClientRefusal } from './client-refusal.ts'
import { type RequestState, useLimits } from './request-state.ts'

/**
 * Counts granted and refused requests by client: only clients of the file have a name in metrics. Also handles
 * what the library answers without a difference: it calls every error that is not its own `server_error`, with 500, and
 * never refuses a client that fails to authenticate again and again.
 */
export function handleFailures(
  app: FastifyInstance,
  provider: Provider,
  requestState: () => RequestState | undefined,
): void {
  const refuse = (ctx: KoaContextWithOIDC, error: { error?: string }) => recordRefusal(app, ctx, error, requestState())
  provider.on('server_error', (_ctx, error) => {
    const state = requestState()
    if (state !== undefined) state.failure = error
  })
  provider.on('grant.success', ({ oidc: { client } }) =>
    app.metrics.oauthGrants.inc({ client: client?.clientId ?? 'unknown' }),
  )
  provider.on('grant.error', refuse)
  provider.on('pushed_authorization_request.error', refuse)
  provider.on('device_authorization.error', refuse)
  // Of Koa: without a listener, it would write the error to the console.
  const koa: EventEmitter = provider
  koa.on('error', (error: unknown) => app.log.error({ err: error }, 'the OpenID provider failed'))
  provider.use(async (ctx, next) => {
    const state = requestState()
    try {
      await next()
      if (state?.isUnknownClient === true) {
        await useLimits(state, usesByAddress('oauth-failures', state.address, app.config.limits.login))
      }
    } catch (error) {
      // The login of the browser is stored after the answer was chosen.
      if (state === undefined) throw error
      state.failure = error
    }
    const failure = state?.failure
    if (state === undefined || failure === undefined) return
    ctx.respond = false
    state.fail(failure)
  })
}

/** Whether the error is one of the library, which knows its status. */
export function isLibraryError(error: unknown): error is errors.OIDCProviderError {
  return error instanceof errors.OIDCProviderError
}

function recordRefusal(
  app: FastifyInstance,
  ctx: KoaContextWithOIDC,
  { error = 'unknown' }: { error?: string },
  state: RequestState | undefined,
): void {
  if (error === 'invalid_client' && state !== undefined) state.isUnknownClient = true
  recordClientRefusal(app, { clientId: ctx.oidc.client?.clientId, error, address: state?.address ?? ctx.ip })
}
