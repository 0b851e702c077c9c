import type { FastifyInstance } from 'fastify'

/** A request of a client that was refused. */
interface ClientRefusal {
  /** Only of a client that exists: metrics and events have no text that the caller chooses. */
  clientId: string | undefined
  /** RFC 6749 section 5.2. */
  error: string
  address: string
}

/** Counts a refusal, and records that a client failed to authenticate. */
export function recordClientRefusal(app: FastifyInstance, { clientId, error, address }: ClientRefusal): void {
  app.metrics.oauthRefusals.inc({ client: clientId ?? 'unknown', error })
  if (error !== 'invalid_client') return
  const about = { address, ...(clientId !== undefined && { clientId }) }
  app.securityEvents.record('authn_login_fail', { ...about, reason: 'client_credentials' })
}
