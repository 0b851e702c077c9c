import { parse, parseAllDocuments } from 'yaml'
import { edgeAuthority } from '../../tools/cluster-client/quickstart.ts'
import { guideBlock, replaced } from '../documentation/guide.ts'
import { apply, kubectl } from './cluster-under-test.ts'

/** An object's name and namespace. */
interface Place {
  name: string
  namespace: string
}

/** The part of the guide's Job that a test extends. */
interface JobManifest {
  spec: { template: { spec: PodSpec } }
}
interface PodSpec {
  containers: [{ env: object[]; volumeMounts: object[] }]
  volumes: object[]
  hostAliases?: object[]
}

/**
 * Applies both manifests of docs/guides/ci-job.md, in their order. @param namespace of the job
 * @returns what the job has printed
 * @throws if the client is not ready or the job not complete within 60 s: with the log of the job
 */
export async function runJobOfGuide(namespace: string, authService: Place): Promise<string> {
  const client = replaced(guideBlock('ci-job.md', 'yaml', 'kind: AuthClient'), {
    '{ name: accounts }': JSON.stringify(authService),
  })
  for (const document of parseAllDocuments(client)) await apply(namespace, document.toJS())
  await waitFor(namespace, 'Ready', 'authclient/publish')

  await apply(namespace, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'ca' },
    data: { 'ca.crt': await edgeAuthority(kubectl(), authService) },
  })
  await apply(namespace, await jobFor(namespace, authService))
  const logs = () => kubectl().run(['logs', 'job/publish', '--namespace', namespace])
  try {
    await waitFor(namespace, 'Complete', 'job/publish')
  } catch (error) {
    throw new Error(`the job did not complete. Its log: ${await logs().catch(String)}`, { cause: error })
  }
  return logs()
}

async function waitFor(namespace: string, condition: string, object: string): Promise<void> {
  const command = ['wait', `--for=condition=${condition}`, object, '--namespace', namespace, '--timeout=60s']
  await kubectl().run(command, { timeoutSeconds: 70 })
}

/**
 * The Job of the guide, for this cluster: the servers' image has Node, too, and no DNS has the host of the issuer,
 * whose certificate the operator has signed.
 */
async function jobFor(namespace: string, { name, namespace: ofServers }: Place): Promise<JobManifest> {
  const issuer = new URL(await fieldOf(namespace, 'authclient/publish', '{.status.issuer}'))
  const image = await fieldOf(ofServers, 'pods', '{.items[0].spec.containers[0].image}', [
    '--selector=app.kubernetes.io/component=server',
  ])
  const text = replaced(guideBlock('ci-job.md', 'yaml', 'kind: Job'), {
    'https://auth.example.com': issuer.origin,
    'node:24': image,
  })
  const job: JobManifest = parse(text)
  const pod = job.spec.template.spec
  const [container] = pod.containers
  const ip = await addressOfEdge({ name, namespace: ofServers }, Number(issuer.port))
  pod.hostAliases = [{ ip, hostnames: [issuer.hostname] }]
  pod.volumes.push({ name: 'ca', configMap: { name: 'ca' } })
  container.volumeMounts.push({ name: 'ca', mountPath: '/ca', readOnly: true })
  container.env.push({ name: 'NODE_EXTRA_CA_CERTS', value: '/ca/ca.crt' })
  return job
}

/** The address inside of the cluster at which the edge has the port of the issuer, which is a port of this machine. */
async function addressOfEdge({ name, namespace }: Place, port: number): Promise<string> {
  const edge = await kubectl().json<{ spec: { selector: object; ports: { port: number; targetPort: unknown }[] } }>([
    'get',
    `service/${name}-edge`,
    '--namespace',
    namespace,
  ])
  const targetPort = edge.spec.ports.find((each) => each.port === 443)?.targetPort
  const spec = { selector: edge.spec.selector, ports: [{ port, targetPort }] }
  await apply(namespace, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'edge-for-job' }, spec })
  return fieldOf(namespace, 'service/edge-for-job', '{.spec.clusterIP}')
}

function fieldOf(namespace: string, object: string, jsonPath: string, more: string[] = []): Promise<string> {
  return kubectl().run(['get', object, '--namespace', namespace, ...more, '--output', `jsonpath=${jsonPath}`])
}
