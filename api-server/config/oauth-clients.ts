/** A client that may introspect and revoke tokens. Two entries with the same ID are two valid secrets. */
export interface OAuthClient {
  id: string
  /** SHA-256. The secret has 256 random bits, so it needs no slower hash, and cannot be guessed from it. */
  secretHash: Buffer
}

/** @param list as `clientListPattern` has checked it */
export function parseClients(list: string): OAuthClient[] {
  return list.split(/[\s,]+/).map((entry) => {
    const [id = '', hash = ''] = entry.split(':')
    return { id, secretHash: Buffer.from(hash, 'hex') }
  })
}
