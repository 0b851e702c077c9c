import { Listr } from 'listr2'
import { encodeSecretData } from '../../operator/authservice/model/secret-data.ts'
import { issueCertificate } from '../../operator/authservice/secrets/system-sources.ts'
import { freeEdgePort } from '../../tools/cluster-client/edge-port.ts'
import { installOperator } from '../../tools/cluster-client/install-operator.ts'
import { type Kubectl, kubectlOf } from '../../tools/cluster-client/kubectl.ts'
import { connectToEdge, namespaceManifest } from '../../tools/cluster-client/quickstart.ts'
import { waitUntilReady } from '../../tools/cluster-client/readiness.ts'
import { type Cluster, clusterTasks, imageTasks, runningCluster } from '../../tools/local-cluster/cluster.ts'
import { askDocker } from '../../tools/local-cluster/docker.ts'
import { user } from './browser.ts'
import {
  authClientManifest,
  authServiceManifest,
  authServiceName,
  credentialsIn,
  namespace,
  receiverAuthority,
  type StoredSecret,
} from './manifests.ts'
import type { Credentials, PlanClient } from './plans.ts'
import type { Provider } from './provider.ts'
import { startTlsProxy } from './tls-proxy.ts'

/** An AuthService on the cluster of this checkout, which is started if there is none. The suite uses its edge. */
export async function clusterProvider(suite: string): Promise<Provider> {
  await new Listr([...clusterTasks(), ...imageTasks()], { renderer: 'verbose' }).run()
  const cluster = await runningCluster()
  const kubectl = kubectlOf(cluster)
  await installOperator(kubectl)
  const receiver = await startReceiver(await addressForNodes(cluster), new URL(suite))
  // The port of the edge on this machine is part of the issuer, and no name needs to be resolved.
  const issuer = new URL(`https://localhost:${cluster.edgePort}`)
  return {
    addresses: { suite, issuer: issuer.origin, receiver: receiver.url.origin },
    async start(clients) {
      await freeEdgePort(kubectl)
      await kubectl.run(['apply', '--filename', '-'], { input: namespaceManifest(namespace) })
      await apply(
        kubectl,
        receiver.secret,
        authServiceManifest(issuer, receiver.url),
        ...clients.map(authClientManifest),
      )
      const provider = { namespace, name: authServiceName, timeoutSeconds: 400 }
      await waitUntilReady(kubectl, provider, (message) => console.log(message))
      await registerUser(kubectl, issuer)
      return createdCredentials(kubectl, clients)
    },
    async stop() {
      receiver.close()
      const remove = ['delete', 'namespace', namespace, '--ignore-not-found', '--timeout=180s']
      await kubectl.run(remove, { timeoutSeconds: 190 })
    },
  }
}

/**
 * Passes logout tokens on to the suite. Servers send none to a loopback address, where the suite may listen, and verify
 * the certificate of the receiver, which the suite cannot choose.
 *
 * @param host an address of this machine that pods can reach
 */
async function startReceiver(host: string, suite: URL) {
  const certificate = issueCertificate([host], new Date())
  const { port, close } = await startTlsProxy({
    certificate,
    listen: { host, port: 0 },
    upstream: suite,
    host: suite.host,
  })
  const { name, key } = receiverAuthority
  const data = encodeSecretData({ [key]: certificate['ca.crt'] ?? '' })
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, data }
  return { url: new URL(`https://${host}:${port}`), secret, close }
}

/** The address of this machine at which the nodes, and so the pods, reach it: that of their network. */
async function addressForNodes({ docker, name }: Cluster): Promise<string> {
  const node = `${name}-control-plane`
  const route = await askDocker(docker, ['exec', node, 'ip', '-4', 'route', 'show', 'default'])
  const address = /^default via (\S+)/.exec(route ?? '')?.[1]
  if (address === undefined) throw new Error(`Node ${node} has no default route. Start the cluster again.`)
  return address
}

/** As JSON: in YAML, kubectl would read the member `n` of a key as a boolean. */
async function apply(kubectl: Kubectl, ...items: object[]): Promise<void> {
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
  await kubectl.run(['apply', '--filename', '-'], { input })
}

async function registerUser(kubectl: Kubectl, { hostname, port }: URL): Promise<void> {
  const edge = await connectToEdge(kubectl, { namespace, name: authServiceName, host: hostname }, Number(port))
  try {
    const { status, body } = await edge.call('POST', '/v1/auth/register', { json: user })
    if (status >= 300) throw new Error(`the user was not registered: ${status} ${JSON.stringify(body)}`)
  } finally {
    await edge.close()
  }
}

/** Waits until the servers know the clients, and reads the secrets that the operator has created for them. */
async function createdCredentials(kubectl: Kubectl, clients: readonly PlanClient[]): Promise<Credentials> {
  const wait = ['wait', 'authclients', '--all', '--namespace', namespace, '--for=condition=Ready', '--timeout=180s']
  await kubectl.run(wait, { timeoutSeconds: 190 })
  const { items } = await kubectl.json<{ items: StoredSecret[] }>(['get', 'secrets', '--namespace', namespace])
  return credentialsIn(items, clients)
}
