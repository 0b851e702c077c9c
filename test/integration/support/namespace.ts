import { authClients } from '../../../operator/auth-client/api/group.ts'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import type { AuthService } from '../../../operator/authservice/api/schema.ts'
import {
  authServices,
  childKinds,
  endpointSlices,
  optionalKinds,
  pods,
  volumeClaims,
} from '../../../operator/authservice/model/kinds.ts'
import type { KubeClient } from '../../../operator/kube/client.ts'
import { isNotFound } from '../../../operator/kube/errors.ts'
import type { KubernetesObject, Resource } from '../../../operator/kube/objects.ts'
import { installDefinition } from '../../../tools/local-servers/install-definition.ts'
import { clientAt, namespaces } from './kube-api.ts'

/** The smallest spec: managed databases and no exposure. */
export const developmentSpec = {
  environment: 'development',
  mongodb: {},
  redis: {},
  ingress: { type: 'None' },
} as const

/** An AuthService with managed databases and without an exposure, unless `spec` says otherwise. */
export function authServiceManifest(name: string, spec: object = {}, metadata: object = {}): ObjectManifest {
  return { apiVersion, kind, metadata: { name, ...metadata }, spec: { ...developmentSpec, ...spec } }
}

/** An object of any kind, read by a test that knows its fields. */
export type Live = KubernetesObject & { [field: string]: unknown }

/** An object of any kind, written by a test. */
export type ObjectManifest = KubernetesObject & { kind: string; [field: string]: unknown }

const events: Resource = { apiVersion: 'events.k8s.io/v1', kind: 'Event', plural: 'events', namespaced: true }
const known = new Map(
  [authServices, authClients, pods, volumeClaims, endpointSlices, ...childKinds, ...Object.values(optionalKinds)].map(
    (resource) => [resource.kind, resource],
  ),
)

/** A namespace, with the operations that a user has through kubectl. */
export class Namespace {
  readonly name: string
  readonly #client: KubeClient

  private constructor(client: KubeClient, name: string) {
    this.#client = client
    this.name = name
  }

  /**
   * Creates a namespace on an API server, and installs the CustomResourceDefinition.
   * @param definition the one of an earlier release
   */
  static async create(
    kubeconfigPath: string,
    name: string,
    labels: Record<string, string> = {},
    definition?: KubernetesObject,
  ): Promise<Namespace> {
    const client = clientAt(kubeconfigPath)
    await installDefinition(client, definition)
    await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } })
    return new Namespace(client, name)
  }

  /** Undefined when the object does not exist. */
  async get<T = Live>(ofKind: string, name: string): Promise<T | undefined> {
    try {
      return await this.#client.get<T>(resourceOf(ofKind), this.name, name)
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  async list<T extends KubernetesObject = Live>(ofKind: string): Promise<T[]> {
    return (await this.#client.list<T>(resourceOf(ofKind), { namespace: this.name })).items
  }

  async apply(manifest: ObjectManifest): Promise<void> {
    const metadata = { ...manifest.metadata, namespace: this.name }
    await this.#client.apply(resourceOf(manifest.kind), { ...manifest, metadata })
  }

  /** Creates an object. Applying is slow for an object with thousands of fields. */
  async create(manifest: ObjectManifest): Promise<void> {
    const metadata = { ...manifest.metadata, namespace: this.name }
    await this.#client.create(resourceOf(manifest.kind), { ...manifest, metadata })
  }

  /** Sends a merge patch, for a subresource if one is given. */
  async patch(ofKind: string, name: string, change: object, subresource?: string): Promise<void> {
    const target = { namespace: this.name, name, ...(subresource !== undefined && { subresource }) }
    await this.#client.mergePatch(resourceOf(ofKind), target, change)
  }

  /** Replaces the whole object, as `kubectl edit` does. */
  async replace(ofKind: string, object: KubernetesObject): Promise<void> {
    await this.#client.update(resourceOf(ofKind), object)
  }

  async remove(ofKind: string, name: string): Promise<void> {
    await this.#client.delete(resourceOf(ofKind), { namespace: this.name, name })
  }

  async authService(name: string): Promise<AuthService> {
    return this.#client.get<AuthService>(authServices, this.name, name)
  }

  /** Requests an action by its annotation. */
  async requestAction(name: string, action: string, value: string): Promise<void> {
    await this.patch(kind, name, { metadata: { annotations: { [`auth-operator.dev/${action}`]: value } } })
  }

  /** The ids of its signing keys; none when the Secret does not exist. */
  async keyIds(name: string): Promise<string[]> {
    const secret = await this.get<Live & { data: Record<string, string> }>('Secret', `${name}-keys`)
    const text = Buffer.from(secret?.data['keys.json'] ?? '', 'base64').toString()
    const { keys }: { keys: { kid: string }[] } = JSON.parse(text || '{"keys":[]}')
    return keys.map(({ kid }) => kid)
  }

  /** A condition as `status reason: message`. */
  async condition(name: string, type: string): Promise<string> {
    const { status } = await this.authService(name)
    const found = status?.conditions?.find((condition) => condition.type === type)
    return found === undefined ? 'not set' : `${found.status} ${found.reason}: ${found.message}`
  }

  /** The events of an AuthService as `type reason: note`. */
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

function resourceOf(ofKind: string): Resource {
  const resource = known.get(ofKind)
  if (resource === undefined) throw new Error(`the tests do not know the kind ${ofKind}`)
  return resource
}
