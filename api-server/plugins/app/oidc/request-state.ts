import type { ServerResponse } from 'node:http'
import { errors } from 'oidc-provider'
import type { RequestLimits, Use } from '../limits/plugin.ts'
import { Problem } from '../problems/problem.ts'
import type { Inspection, RefreshedSession } from '../sessions/store.ts'
import type { ActiveGrant } from './active-grant.ts'

/** What one request of the library carries from one of its calls to another. */
export interface RequestState {
  /** Address of the caller, as far as trusted proxies tell it. */
  address: string
  userAgent: string | undefined
  /** Whether it is one of a client to the token endpoint. */
  isTokenRequest: boolean
  limits: RequestLimits
  /** The response, for headers that the library does not know. */
  response: Pick<ServerResponse, 'setHeader'>
  /** Answers with an error that the library does not know. */
  fail(error: unknown): void
  /** Such an error. */
  failure?: unknown
  /** Whether the client failed to authenticate. */
  isUnknownClient?: boolean
  /** The secret by which the library knows a client that the token of a ServiceAccount has authenticated. */
  oneTimeSecret?: string
  /** The session of the refresh token that the request presents. */
  presented?: Inspection
  /** The grant of the code or refresh token, as it was before the token was used. */
  grant?: ActiveGrant
  /** The session after that, with the refresh token that the request gets: a rotation is one write that makes it. */
  refreshed?: RefreshedSession
}

/** Takes one use of each limit, or none. @throws OIDCProviderError with the status 429 if one of them is used up */
export async function useLimits({ limits, response }: RequestState, uses: readonly [Use, ...Use[]]): Promise<void> {
  try {
    await limits.use(...uses)
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'rate_limited') throw error
    response.setHeader('retry-after', Math.ceil(error.retryAfterSeconds ?? 1))
    const refused = new errors.TemporarilyUnavailable(error.message)
    refused.status = error.statusCode
    refused.statusCode = error.statusCode
    throw refused
  }
}
