import { isReceiverOf, type LogoutReceiver } from '@authservice-operator/contract/logout-receivers.ts'
import type { ResolvedSpec } from '../authservice/api/resolved-spec.ts'
import { authServiceOf, refusalOf } from './admission.ts'
import type { CachedClient } from './cached-client.ts'
import type { Reason } from './reasons.ts'

/** The only hosts to which the servers of an AuthService send logout tokens. */
export function receiversOf({ oidc }: Pick<ResolvedSpec, 'oidc'>): readonly LogoutReceiver[] {
  return oidc?.logoutReceivers ?? []
}

/** Whether servers tell a client of ended sessions, and why. */
export interface LogoutOutcome {
  isAdmitted: boolean
  reason: Reason
  message: string
}

/** @returns undefined for a client that asks for no logout tokens, or that is refused as a whole */
export function logoutOutcomeOf(
  client: CachedClient,
  authService: ResolvedSpec | undefined,
): LogoutOutcome | undefined {
  const uri = client.spec.backchannelLogoutUri
  if (uri === undefined || authService === undefined || refusalOf(client, authService) !== undefined) return undefined
  if (receiversOf(authService).some((receiver) => isReceiverOf(uri, receiver))) {
    const message = 'Servers send a logout token to spec.backchannelLogoutUri when a session of the client ends.'
    return { isAdmitted: true, reason: 'ReceiverAdmitted', message }
  }
  const { namespace, name } = authServiceOf(client)
  const { hostname, port } = new URL(uri)
  return {
    isAdmitted: false,
    reason: 'ReceiverNotAdmitted',
    message: `Servers do not tell the client when a session ends, because AuthService ${namespace}/${name} does not list ${hostname}, port ${port || 443}. Add both to oidc.backchannelLogout.receivers in its spec, or correct spec.backchannelLogoutUri.`,
  }
}
