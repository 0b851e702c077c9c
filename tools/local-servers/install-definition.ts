import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parse } from 'yaml'
import type { KubeClient } from '../../operator/kube/client.ts'
import type { KubernetesObject, Resource } from '../../operator/kube/objects.ts'

export const definitions: Resource = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
}

interface Definition extends KubernetesObject {
  status?: { conditions?: { type: string; status: string }[] }
}

/** The CustomResourceDefinition of AuthServices as `npm run generate` writes it, for callers that change it. */
export async function readDefinition() {
  return parse(await readFile(resolve(import.meta.dirname, '../../crds/auth-operator.dev_authservices.yaml'), 'utf8'))
}

/**
 * Installs a definition and waits until the API server serves its kind.
 *
 * @param definition by default that of AuthServices
 * @throws when the API server does not serve the kind within 30 s
 */
export async function installDefinition(client: KubeClient, definition?: KubernetesObject): Promise<void> {
  const manifest = definition ?? (await readDefinition())
  await client.apply(definitions, manifest)
  const isEstablished = async () => {
    const { status } = await client.get<Definition>(definitions, undefined, manifest.metadata.name)
    return status?.conditions?.some(({ type, status: holds }) => type === 'Established' && holds === 'True') === true
  }
  const deadline = performance.now() + 30_000
  while (!(await isEstablished())) {
    if (performance.now() > deadline) {
      throw new Error(`the API server does not serve ${manifest.metadata.name} after 30 s`)
    }
    await setTimeout(50)
  }
}
