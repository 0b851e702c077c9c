/** The Secrets that the operator creates for an AuthService. */
export interface SecretNames {
  /** Signing keys: `keys.json`. */
  keys: string
  /** Keys that encrypt secrets of second factors: `keys.json`. */
  mfaKeys: string
  /** Keys that sign ID tokens: `keys.json`. */
  oidcKeys: string
  /** Clients of the OpenID provider: `clients.json`. */
  oidcClients: string
  /** Other providers at which users may log in: `providers.json`. */
  identityProviders: string
  /** Managed Redis: `password`. Keys that rotations add: see `password-rotation.ts`. */
  redis: string
  /** Managed MongoDB: `admin-password`, `app-password`, `keyfile`, and `url` for the server. */
  mongodb: string
  /** Key of the email hashes in logs and security events: `secret`. */
  emailHash: string
  /** Secret that the edge sends, so that the server trusts its client addresses: `secret`. */
  edgeSecret: string
  /** Self-signed certificate of the edge: `tls.crt`, `tls.key`, `ca.crt`. */
  edgeTls: string
  /** CA that signs that certificate: `tls.crt`, `tls.key`. */
  edgeCa: string
}

export function secretNames(authService: string): SecretNames {
  return {
    keys: `${authService}-keys`,
    mfaKeys: `${authService}-mfa-keys`,
    oidcKeys: `${authService}-oidc-keys`,
    oidcClients: `${authService}-oidc-clients`,
    identityProviders: `${authService}-identity-providers`,
    redis: `${authService}-redis`,
    mongodb: `${authService}-mongodb`,
    emailHash: `${authService}-email-hash`,
    edgeSecret: `${authService}-edge-secret`,
    edgeTls: `${authService}-edge-tls`,
    edgeCa: `${authService}-edge-ca`,
  }
}

/** Key of Secret `keys` with the keys that are still accepted after the user's own keys have replaced them. */
export const acceptedKeysFile = 'accepted.json'

/** Name of the replica set of a managed MongoDB. */
export const replicaSet = 'rs0'
