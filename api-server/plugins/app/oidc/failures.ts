import type { EventEmitter } from 'node:events'
import type { FastifyInstance } from 'fastify'
import type Provider from 'oidc-provider'
import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import type { RequestState } from './request-state.ts'

/**
 * What the library answers without a difference: it calls every error that is not its own `server_error`, with 500.
 */
export function handleFailures(
  app: FastifyInstance,
  provider: Provider,
  requestState: () => RequestState | undefined,
): void {
  provider.on('server_error', (_ctx, error) => {
    const state = requestState()
    if (state !== undefined) state.failure = error
  })
  provider.on('grant.error', (ctx: KoaContextWithOIDC, { error }: { error?: string }) => {
    if (error !== 'invalid_client') return
    const address = requestState()?.address ?? ctx.ip
    app.securityEvents.record('authn_login_fail', { address, reason: 'client_credentials' })
  })
  // Of Koa: without a listener, it would write the error to the console.
  const koa: EventEmitter = provider
  koa.on('error', (error: unknown) => app.log.error({ err: error }, 'the OpenID provider failed'))
  provider.use(async (ctx, next) => {
    const state = requestState()
    try {
      await next()
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
