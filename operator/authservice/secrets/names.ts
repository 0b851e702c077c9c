/** The Secrets that the operator makes for an AuthService. */
export interface SecretNames {
  /** Signing keys: `keys.json`. */
  keys: string
  /** Managed Redis: `password`. */
  redis: string
  /** Managed MongoDB: `admin-password`, `app-password`, `keyfile`, and `url` for the server. */
  mongodb: string
  /** What emails are hashed with in logs and security events: `secret`. */
  emailHash: string
  /** Self-signed certificate of the edge: `tls.crt`, `tls.key`, `ca.crt`. */
  edgeTls: string
}

export function secretNames(authService: string): SecretNames {
  return {
    keys: `${authService}-keys`,
    redis: `${authService}-redis`,
    mongodb: `${authService}-mongodb`,
    emailHash: `${authService}-email-hash`,
    edgeTls: `${authService}-edge-tls`,
  }
}

/** Users of a managed MongoDB. `admin` sets it up; `app` may read and write the server's database only. */
export const mongodbUsers = { admin: 'admin', app: 'auth' } as const

/** Name of a managed MongoDB's replica set. */
export const replicaSet = 'rs0'
