import { group } from '../authservice/api/group.ts'
import type { Manifest } from '../authservice/model/manifest.ts'
import { encodeSecretData } from '../authservice/model/secret-data.ts'
import { apiVersion, kind } from './api/group.ts'
import type { AuthClient } from './api/schema.ts'
import { clientIdOf } from './client-entry.ts'
import { type Credentials, credentialKeys } from './credentials.ts'

/** Names the AuthClient whose credentials a Secret has. */
export const clientLabel = `${group}/auth-client`

/** Contains the progress of rotations. */
export const recordAnnotation = `${group}/rotation`

/** The name of the Secret of a client. */
export function secretNameOf({ metadata }: Pick<AuthClient, 'metadata'>): string {
  return `${metadata.name}-credentials`
}

/** A Secret with the credentials of a client. */
export type CredentialsSecret = Manifest & { type: string; data: Record<string, string> }

/**
 * The Secret of a client. It is deleted together with the AuthClient. It does not have the label by which the operator
 * selects children of AuthServices.
 */
export function credentialsSecret(
  client: AuthClient,
  { secret, next, record }: Credentials,
  issuer: string,
): CredentialsSecret {
  const { name, namespace, uid } = client.metadata
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: secretNameOf(client),
      namespace,
      labels: { 'app.kubernetes.io/part-of': client.spec.authServiceRef.name, [clientLabel]: name },
      annotations: { [recordAnnotation]: JSON.stringify(record) },
      ownerReferences: [{ apiVersion, kind, name, uid, controller: true }],
    },
    type: 'Opaque',
    data: encodeSecretData({
      [credentialKeys.id]: clientIdOf(client),
      [credentialKeys.secret]: secret,
      [credentialKeys.issuer]: issuer,
      ...(next !== undefined && { [credentialKeys.next]: next }),
    }),
  }
}
