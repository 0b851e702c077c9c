import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { ingressClasses } from '../../operator/authservice/model/kinds.ts'
import type { KubeClient } from '../../operator/kube/client.ts'
import type { Resource } from '../../operator/kube/objects.ts'
import { type Definition, definitionFiles } from '../../tools/checkers/definitions.ts'
import { installDefinition } from '../../tools/local-servers/install-definition.ts'
import { freePort, type ServerProcess, startProcess } from '../../tools/local-servers/server-process.ts'
import { traefik } from '../../tools/neighbours/traefik.ts'

/** The name of the IngressClass and of the GatewayClass. */
export const className = 'traefik'

const gatewayApi = 'gateway.networking.k8s.io/v1'
const gatewayClasses: Resource = {
  apiVersion: gatewayApi,
  kind: 'GatewayClass',
  plural: 'gatewayclasses',
  namespaced: false,
}
const gateways: Resource = { apiVersion: gatewayApi, kind: 'Gateway', plural: 'gateways', namespaced: true }

/** Traefik waits until it can list each of these kinds. */
const definitions: readonly Definition[] = [
  'traefik',
  'gatewayClass',
  'gateway',
  'httpRoute',
  'grpcRoute',
  'tlsRoute',
  'referenceGrant',
  'backendTlsPolicy',
]

/** Traefik on this machine. */
export interface Traefik extends ServerProcess {
  ports: { http: number; https: number }
}

/** Installs the kinds and classes of Traefik, and starts it with all of its providers for Kubernetes. */
export async function startTraefik(client: KubeClient, kubeconfigPath: string): Promise<Traefik> {
  for (const name of definitions) {
    const text = await readFile(join(await definitionFiles(), `${name}.yaml`), 'utf8')
    for (const document of parseAllDocuments(text)) await installDefinition(client, document.toJS())
  }
  const metadata = { name: className }
  const ingressClass = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata,
    spec: { controller: 'traefik.io/ingress-controller' },
  }
  const gatewayClass = {
    apiVersion: gatewayApi,
    kind: 'GatewayClass',
    metadata,
    spec: { controllerName: 'traefik.io/gateway-controller' },
  }
  await client.apply(ingressClasses, ingressClass)
  await client.apply(gatewayClasses, gatewayClass)
  const [http, https, ping] = await Promise.all([freePort(), freePort(), freePort()])
  const binary = { path: await traefik(), env: { KUBECONFIG: kubeconfigPath } }
  const settings = [
    `--entrypoints.web.address=127.0.0.1:${http}`,
    `--entrypoints.websecure.address=127.0.0.1:${https}`,
    `--entrypoints.ping.address=127.0.0.1:${ping}`,
    '--ping.entrypoint=ping',
    '--providers.kubernetesingress=true',
    '--providers.kubernetescrd=true',
    '--providers.kubernetesgateway=true',
    '--global.checknewversion=false',
    '--global.sendanonymoususage=false',
  ]
  const isReady = async () => {
    const answer = await fetch(`http://127.0.0.1:${ping}/ping`).catch(() => undefined)
    return answer?.ok === true
  }
  return { ...(await startProcess(binary, settings, isReady)), ports: { http, https } }
}

/** A Gateway of Traefik that terminates TLS with the certificate of a Secret in its namespace. */
export async function createGateway(
  client: KubeClient,
  {
    namespace,
    name,
    host,
    secretName,
    port,
  }: Record<'namespace' | 'name' | 'host' | 'secretName', string> & { port: number },
): Promise<void> {
  const tls = { mode: 'Terminate', certificateRefs: [{ name: secretName }] }
  const gateway = {
    apiVersion: gatewayApi,
    kind: 'Gateway',
    metadata: { namespace, name },
    spec: { gatewayClassName: className, listeners: [{ name: 'https', protocol: 'HTTPS', port, hostname: host, tls }] },
  }
  await client.apply(gateways, gateway)
}
