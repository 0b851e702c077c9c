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

/**
 * A CustomResourceDefinition as `npm run generate` writes it, for callers that change it.
 * @param plural by default that of AuthServices
 */
export async function readDefinition(plural: 'authservices' | 'authclients' = 'authservices') {
  const file = `../../crds/auth-operator.dev_${plural}.yaml`
  return parse(await readFile(resolve(import.meta.dirname, file), 'utf8'))
}

/**
 * Installs definitions and waits until the API server serves their kinds.
 *
 * @param definition by default those of AuthServices and of AuthClients
 * @throws when the API server does not serve a kind within 30 s
 */
export async function installDefinition(client: KubeClient, definition?: KubernetesObject): Promise<void> {
  if (definition !== undefined) return install(client, definition)
  await install(client, await readDefinition('authclients'))
  await install(client, await readDefinition())
}

async function install(client: KubeClient, manifest: KubernetesObject): Promise<void> {
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
