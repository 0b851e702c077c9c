import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node'
import { expect, vi } from 'vitest'
import { parse } from 'yaml'
import type { AuthService } from '../../../operator/authservice/api/schema.ts'
import {
  authServices,
  childKinds,
  endpointSlices,
  optionalKinds,
  pods,
  volumeClaims,
} from '../../../operator/authservice/kinds.ts'
import { KubeClient } from '../../../operator/kube/client.ts'
import { isNotFound } from '../../../operator/kube/errors.ts'
import type { KubernetesObject, Resource } from '../../../operator/kube/objects.ts'
import { Transport } from '../../../operator/kube/transport.ts'

/** The least that an AuthService of a test asks for: databases that the operator runs, and nothing in front. */
export const developmentSpec = {
  environment: 'development',
  mongodb: {},
  redis: {},
  ingress: { type: 'None' },
} as const

/** An object of any kind, read by a test that knows its shape. */
export type Live = KubernetesObject & { [field: string]: unknown }

const crd: Resource = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
}
const namespaces: Resource = { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false }
const events: Resource = { apiVersion: 'events.k8s.io/v1', kind: 'Event', plural: 'events', namespaced: true }
const known = new Map(
  [authServices, pods, volumeClaims, endpointSlices, ...childKinds, ...Object.values(optionalKinds)].map((resource) => [
    resource.kind,
    resource,
  ]),
)

export function kubeConfigAt(path: string): KubeConfig {
  const config = new KubeConfig()
  config.loadFromFile(path)
  return config
}

/** What a user does with kubectl in one namespace. */
export class Namespace {
  readonly name: string
  readonly #client: KubeClient

  private constructor(client: KubeClient, name: string) {
    this.#client = client
    this.name = name
  }

  /** A new namespace on an API server that knows AuthServices. */
  static async create(kubeconfigPath: string, name: string, labels: Record<string, string> = {}): Promise<Namespace> {
    const client = new KubeClient(new Transport(kubeConfigAt(kubeconfigPath), 'a-user'), 'a-user')
    await installDefinition(client)
    await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } })
    return new Namespace(client, name)
  }

  /** undefined when there is no such object. */
  async get<T = Live>(kind: string, name: string): Promise<T | undefined> {
    try {
      return await this.#client.get<T>(resourceOf(kind), this.name, name)
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  async list<T extends KubernetesObject = Live>(kind: string): Promise<T[]> {
    return (await this.#client.list<T>(resourceOf(kind), { namespace: this.name })).items
  }

  async apply(manifest: KubernetesObject & { kind: string }): Promise<void> {
    const metadata = { ...manifest.metadata, namespace: this.name }
    await this.#client.apply(resourceOf(manifest.kind), { ...manifest, metadata })
  }

  /** Merge patch, of a subresource when one is named. */
  async patch(kind: string, name: string, change: object, subresource?: string): Promise<void> {
    const target = { namespace: this.name, name, ...(subresource !== undefined && { subresource }) }
    await this.#client.mergePatch(resourceOf(kind), target, change)
  }

  /** Writes the whole object, as `kubectl edit` does. */
  async replace(kind: string, object: KubernetesObject): Promise<void> {
    await this.#client.update(resourceOf(kind), object)
  }

  async remove(kind: string, name: string): Promise<void> {
    await this.#client.delete(resourceOf(kind), { namespace: this.name, name })
  }

  async authService(name: string): Promise<AuthService> {
    return this.#client.get<AuthService>(authServices, this.name, name)
  }

  /** `status reason: message` of a condition. */
  async condition(name: string, type: string): Promise<string> {
    const { status } = await this.authService(name)
    const found = status?.conditions?.find((condition) => condition.type === type)
    return found === undefined ? 'not set' : `${found.status} ${found.reason}: ${found.message}`
  }

  /** `type reason: note` of each event about an AuthService. */
  async events(name: string): Promise<string[]> {
    interface Event extends KubernetesObject {
      type: string
      reason: string
      note: string
      regarding: { name: string }
    }
    const { items } = await this.#client.list<Event>(events, { namespace: this.name })
    return items
      .filter(({ regarding }) => regarding.name === name)
      .map(({ type, reason, note }) => `${type} ${reason}: ${note}`)
  }
}

async function installDefinition(client: KubeClient): Promise<void> {
  const file = resolve(import.meta.dirname, '../../../crds/auth-operator.dev_authservices.yaml')
  const manifest = parse(await readFile(file, 'utf8'))
  await client.apply(crd, manifest)
  interface Definition extends KubernetesObject {
    status?: { conditions?: { type: string; status: string }[] }
  }
  await vi.waitFor(async () => {
    const { status } = await client.get<Definition>(crd, undefined, manifest.metadata.name)
    expect(status?.conditions).toContainEqual(expect.objectContaining({ type: 'Established', status: 'True' }))
  }, 10_000)
}

function resourceOf(kind: string): Resource {
  const resource = known.get(kind)
  if (resource === undefined) throw new Error(`${kind} is of no kind that the tests know`)
  return resource
}
