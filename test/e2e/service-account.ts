import { decodeJwt } from 'jose'
import { expect } from 'vitest'
import type { EdgeClient } from '../../tools/cluster-client/edge-client.ts'
import { apply, kubectl } from './cluster-under-test.ts'

const name = 'nightly-job'
const resource = 'https://orders.example.com'

/**
 * Creates the AuthClient `nightly-job`, and a pod that shows the token that the kubelet has projected.
 * @returns asks the servers with this token; the answer has the claims of theirs, or their error
 */
export async function tokenByServiceAccount(
  namespace: string,
  authServiceRef: { name: string; namespace: string },
  edge: EdgeClient,
): Promise<() => Promise<object>> {
  await apply(namespace, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } })
  await apply(namespace, {
    apiVersion: 'auth-operator.dev/v1alpha1',
    kind: 'AuthClient',
    metadata: { name },
    spec: {
      authServiceRef,
      grants: ['client_credentials'],
      resources: [{ uri: resource, scopes: ['orders:read'] }],
      authentication: { method: 'ServiceAccount', serviceAccount: { names: [name] } },
    },
  })
  const issuer = await issuerOf(namespace)
  await apply(namespace, podWithToken(issuer))
  const logs = () => kubectl().run(['logs', name, '--namespace', namespace])
  await expect
    .poll(() => logs().catch(() => ''), { timeout: 60_000, interval: 500 })
    .toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\s*$/)
  const assertion = (await logs()).trim()
  return async () => {
    const form = {
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    }
    const answer = await edge.fetch(`${issuer}/oauth/token`, { method: 'POST', body: new URLSearchParams(form) })
    const body = (await answer.json()) as { access_token?: string }
    if (body.access_token === undefined) return body
    const { client_id, aud, scope } = decodeJwt(body.access_token)
    return { client_id, aud, scope }
  }
}

/** The issuer of the AuthService, as the status of the AuthClient shows it. */
async function issuerOf(namespace: string): Promise<string> {
  const read = () => kubectl().run(['get', 'authclient', name, '-n', namespace, '-o', 'jsonpath={.status.issuer}'])
  await expect.poll(read, { timeout: 30_000, interval: 500 }).toMatch(/^https:/)
  return read()
}

function podWithToken(audience: string): object {
  const mountPath = '/var/run/secrets/authservice'
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      serviceAccountName: name,
      automountServiceAccountToken: false,
      restartPolicy: 'Never',
      securityContext: { runAsNonRoot: true, runAsUser: 10_000, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'job',
          image: 'redis:8.0', // an image that the cluster has
          command: ['cat', `${mountPath}/token`],
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          volumeMounts: [{ name: 'token', mountPath, readOnly: true }],
        },
      ],
      volumes: [
        {
          name: 'token',
          projected: { sources: [{ serviceAccountToken: { audience, expirationSeconds: 3600, path: 'token' } }] },
        },
      ],
    },
  }
}
