import { kind as clientKind, apiVersion as clientVersion } from '../../operator/auth-client/api/group.ts'
import type { AuthClient } from '../../operator/auth-client/api/schema.ts'
import { apiVersion, kind } from '../../operator/authservice/api/group.ts'
import type { AuthServiceSpec } from '../../operator/authservice/api/schema.ts'
import { decodeSecretData } from '../../operator/authservice/model/secret-data.ts'
import { edgeNodePort } from '../../tools/local-cluster/kind-config.ts'
import { clientDefaults } from './client-entry.ts'
import type { Credentials, PlanClient } from './plans.ts'

/** The namespace of everything, and the AuthService that the plans test. */
export const namespace = 'conformance'
export const authServiceName = 'provider'

/** The Secret with the authority of the receiver of logout tokens. */
export const receiverAuthority = { name: 'receiver-ca', key: 'ca.crt' }

/**
 * Two servers behind an edge, so that the requests of one login reach both. All requests come from one address.
 * @param receiver where the servers send logout tokens
 */
export function authServiceManifest(issuer: URL, receiver: URL) {
  const spec: AuthServiceSpec = {
    environment: 'development',
    replicas: 2,
    autoscaling: { enabled: false },
    mongodb: { managed: {} },
    redis: { managed: {} },
    tokens: { issuer: issuer.origin, audience: 'conformance' },
    ingress: { type: 'Nginx', host: issuer.hostname, nginx: { serviceType: 'NodePort', nodePort: edgeNodePort } },
    rateLimits: { perClient: '10000/s', burst: 10_000, login: '10000/s', register: '10000/s', refresh: '10000/s' },
    networkPolicy: { enabled: true },
    oidc: {
      enabled: true,
      backchannelLogout: {
        receivers: [{ host: receiver.hostname, port: Number(receiver.port || 443) }],
        caSecretRef: receiverAuthority,
      },
    },
  }
  return { apiVersion, kind, metadata: { name: authServiceName, namespace }, spec }
}

/** The AuthClient for a client of a plan. */
export function authClientManifest({
  name,
  role: _,
  key,
  ...uris
}: PlanClient): Pick<AuthClient, 'apiVersion' | 'kind' | 'spec'> & { metadata: { name: string; namespace: string } } {
  const spec: AuthClient['spec'] = {
    authServiceRef: { name: authServiceName },
    ...clientDefaults,
    ...uris,
    ...(key === undefined
      ? // The plans of OpenID Connect do not know PKCE.
        { requirePkce: false }
      : { fapi: true, authentication: { method: 'PrivateKeyJWT', jwks: { keys: [key.publicJwk] } } }),
  }
  return { apiVersion: clientVersion, kind: clientKind, metadata: { name, namespace }, spec }
}

/** A Secret as the API server returns it. */
export interface StoredSecret {
  metadata: { name: string }
  data?: Record<string, string>
}

/**
 * What the clients authenticate with.
 * @param secrets those of the namespace, with the ones that the operator has created for AuthClients
 * @throws if the Secret of a client is missing
 */
export function credentialsIn(secrets: readonly StoredSecret[], clients: readonly PlanClient[]): Credentials {
  return new Map(
    clients.map(({ name, key }) => {
      const id = `${namespace}.${name}`
      if (key !== undefined) return [name, { id }]
      const found = secrets.find(({ metadata }) => metadata.name === `${name}-credentials`)
      const { client_secret: secret } = decodeSecretData(found?.data)
      if (secret === undefined) throw new Error(`Secret ${namespace}/${name}-credentials has no client_secret`)
      return [name, { id, secret }]
    }),
  )
}
