import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { KubeClient } from '../../operator/kube/client.ts'
import type { KubernetesObject, Resource } from '../../operator/kube/objects.ts'
import { type Definition, definitionFiles } from '../../tools/checkers/definitions.ts'
import { installDefinition } from '../../tools/local-servers/install-definition.ts'
import { type ServerProcess, startProcess } from '../../tools/local-servers/server-process.ts'
import { neighbour } from '../../tools/neighbours/programs.ts'

const apiVersion = 'cert-manager.io/v1'
const certificates: Resource = { apiVersion, kind: 'Certificate', plural: 'certificates', namespaced: true }
const clusterIssuers: Resource = { apiVersion, kind: 'ClusterIssuer', plural: 'clusterissuers', namespaced: false }

/** Where cert-manager looks for the Secrets of ClusterIssuers. */
const namespace = 'kube-system'

const definitions: readonly Definition[] = ['certificate', 'certificateRequest', 'issuer', 'clusterIssuer']

/** Installs cert-manager's kinds and starts its controller on this machine. */
export async function startCertManager(client: KubeClient, kubeconfigPath: string): Promise<ServerProcess> {
  for (const name of definitions) {
    await installDefinition(client, parse(await readFile(join(await definitionFiles(), `${name}.yaml`), 'utf8')))
  }
  const binary = { path: await neighbour('cert-manager'), env: {} }
  // It has no endpoint that reports readiness; tests wait for what it issues.
  return startProcess(binary, ['--kubeconfig', kubeconfigPath], async () => true)
}

/** A ClusterIssuer with a certificate authority of its own, which a self-signed ClusterIssuer has signed. */
export async function createAuthority(client: KubeClient, name: string): Promise<void> {
  const secretName = `${name}-authority`
  const issuer = (issuerName: string, spec: object) => {
    const manifest = { apiVersion, kind: 'ClusterIssuer', metadata: { name: issuerName }, spec }
    return client.apply(clusterIssuers, manifest)
  }
  await issuer('self-signed', { selfSigned: {} })
  const authority = {
    apiVersion,
    kind: 'Certificate',
    metadata: { name: secretName, namespace },
    spec: {
      isCA: true,
      commonName: name,
      secretName,
      privateKey: { algorithm: 'ECDSA', size: 256 },
      issuerRef: { kind: 'ClusterIssuer', name: 'self-signed' },
    },
  }
  await client.apply(certificates, authority)
  await issuer(name, { ca: { secretName } })
}

/** Renews a certificate now, as `cmctl renew` does. */
export async function renew(client: KubeClient, inNamespace: string, name: string): Promise<void> {
  type Certificate = KubernetesObject & { status: { conditions: { type: string }[] } }
  const { status } = await client.get<Certificate>(certificates, inNamespace, name)
  const issuing = {
    type: 'Issuing',
    status: 'True',
    reason: 'ManuallyTriggered',
    message: 'Certificate re-issuance manually triggered',
    lastTransitionTime: new Date().toISOString(),
  }
  const conditions = [...status.conditions.filter(({ type }) => type !== 'Issuing'), issuing]
  await client.mergePatch(
    certificates,
    { namespace: inNamespace, name, subresource: 'status' },
    { status: { conditions } },
  )
}
