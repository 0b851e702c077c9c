/** What the benches on a cluster share to set up the AuthServices that they put under load. */
import { stringify } from 'yaml'
import type { AuthServiceSpec } from '../operator/authservice/api/schema.ts'
import { encodeSecretData, type SecretData } from '../operator/authservice/model/secret-data.ts'
import type { Kubectl } from '../tools/cluster-client/kubectl.ts'
import { namespaceManifest } from '../tools/cluster-client/quickstart.ts'

/** The name of the Secret with the edge's certificate. */
const certificateSecret = 'bench-certificate'

/** Deletes the namespace with everything in it, and creates it again. */
export async function recreateNamespace(kubectl: Kubectl, namespace: string): Promise<void> {
  await deleteNamespace(kubectl, namespace)
  await kubectl.run(['apply', '--filename', '-'], { input: namespaceManifest(namespace) })
}

/** Deletes the namespace, if it exists, and waits until it is gone. */
export async function deleteNamespace(kubectl: Kubectl, namespace: string): Promise<void> {
  const remove = ['delete', 'namespace', namespace, '--ignore-not-found', '--timeout=180s']
  await kubectl.run(remove, { timeoutSeconds: 190 })
}

/** Creates or replaces the certificate that `specUnderLoad` refers to. */
export async function applyCertificate(kubectl: Kubectl, namespace: string, certificate: SecretData): Promise<void> {
  const metadata = { name: certificateSecret, namespace }
  const data = encodeSecretData(certificate)
  const secret = { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata, data }
  await kubectl.run(['apply', '--filename', '-'], { input: stringify(secret) })
}

/**
 * The fields of a spec that load requires. Hashes are cheap, because cluster, servers and load share one small machine.
 * Rate limits per address are high, because all requests come from one address.
 *
 * @param nodePort where clients reach the edge
 */
export function specUnderLoad(host: string, nodePort: number) {
  return {
    passwords: { bcryptCost: 10 },
    rateLimits: { perClient: '10000/s', burst: 1_000, login: '6000/m', register: '6000/m', refresh: '6000/m' },
    ingress: {
      type: 'Nginx',
      host,
      tls: { secretName: certificateSecret },
      nginx: { serviceType: 'NodePort', nodePort },
    },
  } satisfies Partial<AuthServiceSpec>
}

/** The IP address of the first node, at which this machine reaches node ports that the cluster does not publish. */
export function nodeAddress(kubectl: Kubectl): Promise<string> {
  const path = 'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}'
  return kubectl.run(['get', 'nodes', '--output', path])
}
