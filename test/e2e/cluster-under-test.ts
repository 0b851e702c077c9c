import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { inject } from 'vitest'
import { parse, stringify } from 'yaml'
import { EdgeClient } from '../../tools/cluster-client/edge-client.ts'
import { type Kubectl, kubectlOf } from '../../tools/cluster-client/kubectl.ts'
import type { ObservedAuthService } from '../../tools/cluster-client/readiness.ts'

/** The cluster that the global setup has started. */
interface ClusterUnderTest {
  /** The path of kubectl. */
  kubectl: string
  kubeconfigPath: string
  context: string
  /** The port of 127.0.0.1 that leads to node port 30443. */
  edgePort: number
}

declare module 'vitest' {
  interface ProvidedContext {
    cluster: ClusterUnderTest
  }
}

/** kubectl for the cluster of the end-to-end tests. */
export function kubectl(): Kubectl {
  return kubectlOf(inject('cluster'))
}

/** Creates an empty namespace that admits only pods of the Pod Security level `restricted`. */
export async function freshNamespace(name: string): Promise<string> {
  await removeNamespace(name)
  const manifest = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  }
  await kubectl().run(['apply', '--filename', '-'], { input: stringify(manifest) })
  return name
}

export async function removeNamespace(name: string): Promise<void> {
  await kubectl().run(['delete', 'namespace', name, '--ignore-not-found', '--wait', '--timeout=120s'], {
    timeoutSeconds: 130,
  })
}

const samples = resolve(import.meta.dirname, '../../manifests/samples')

/** Parses a sample, for tests that change a field of it. */
export async function sample(file: string): Promise<{ metadata: { name: string }; spec: Record<string, unknown> }> {
  return parse(await readFile(join(samples, file), 'utf8'))
}

export async function apply(namespace: string, manifest: object): Promise<void> {
  await kubectl().run(['apply', '--namespace', namespace, '--filename', '-'], { input: stringify(manifest) })
}

export async function authService(namespace: string, name: string): Promise<ObservedAuthService> {
  return kubectl().json(['get', 'authservice', name, '--namespace', namespace])
}

/** A client of the edge on node port 30443. It trusts the authority that the operator has created. */
export async function edgeClient(namespace: string, name: string, host: string): Promise<EdgeClient> {
  const secret = await kubectl().json<{ data: Record<string, string> }>([
    'get',
    'secret',
    `${name}-edge-tls`,
    '--namespace',
    namespace,
  ])
  const ca = Buffer.from(secret.data['ca.crt'] ?? '', 'base64').toString('utf8')
  return new EdgeClient({ host, ip: '127.0.0.1', port: inject('cluster').edgePort, ca })
}
