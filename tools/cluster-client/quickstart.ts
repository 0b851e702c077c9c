import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parse, stringify } from 'yaml'
import { EdgeClient } from './edge-client.ts'
import type { Kubectl } from './kubectl.ts'

const sampleFile = 'manifests/samples/quickstart.yaml'
const root = resolve(import.meta.dirname, '../..')

/** The AuthService of the quickstart sample. */
export interface Quickstart {
  namespace: string
  name: string
  /** The host name of its edge. */
  host: string
  /** The path of the sample in the repository. */
  file: string
}

export async function readQuickstart(namespace: string): Promise<Quickstart> {
  const { metadata, spec } = parse(await readFile(join(root, sampleFile), 'utf8'))
  return { namespace, name: metadata.name, host: spec.ingress.host, file: sampleFile }
}

/**
 * Creates the namespace, which admits only pods of the Pod Security level `restricted`, and applies the sample in it.
 */
export async function applyQuickstart(kubectl: Kubectl, { namespace }: Quickstart): Promise<void> {
  await kubectl.run(['apply', '--filename', '-'], { input: namespaceManifest(namespace) })
  await kubectl.run(['apply', '--namespace', namespace, '--filename', join(root, sampleFile)])
}

export function namespaceManifest(name: string): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  })
}

/** An AuthService, and the host name of its edge. */
type Exposed = Pick<Quickstart, 'namespace' | 'name' | 'host'>

/** The authority of the edge's certificate as PEM. @throws when the Secret has none */
export async function edgeAuthority(kubectl: Kubectl, { namespace, name }: Omit<Exposed, 'host'>): Promise<string> {
  const secret = `${name}-edge-tls`
  const { data } = await kubectl.json<{ data?: Record<string, string> }>(['get', 'secret', secret, '-n', namespace])
  const authority = data?.['ca.crt']
  if (authority === undefined) throw new Error(`Secret ${namespace}/${secret} has no ca.crt`)
  return Buffer.from(authority, 'base64').toString('utf8')
}

export async function connectToEdge(kubectl: Kubectl, exposed: Exposed, port: number): Promise<EdgeClient> {
  return new EdgeClient({ host: exposed.host, ip: '127.0.0.1', port, ca: await edgeAuthority(kubectl, exposed) })
}
