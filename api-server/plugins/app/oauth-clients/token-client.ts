/** The client that asks about a token, or that wants to end it. */
export interface TokenClient {
  clientId: string
  /** Whether it is a client of the OpenID provider, and may see and end only its own tokens. RFC 7009 section 2.1. */
  mayUseOwnTokensOnly: boolean
}

/** @param owner the client of the token; undefined: it is of a login at the API */
export function mayUse({ clientId, mayUseOwnTokensOnly }: TokenClient, owner: string | undefined): boolean {
  return !mayUseOwnTokensOnly || owner === clientId
}
