import type { AuthService } from '../authservice/api/schema.ts'
import type { SecretManifest } from '../authservice/gather/cluster-reader.ts'
import type { Watches } from '../authservice/gather/watches.ts'
import type { AuthServiceKey } from '../authservice/model/auth-service-key.ts'
import type { EventToRecord } from '../authservice/model/event.ts'
import { secrets } from '../authservice/model/kinds.ts'
import type { KubeClient } from '../kube/client.ts'
import { isNotFound, KubeError } from '../kube/errors.ts'
import type { EventRecorder } from '../kube/events.ts'
import type { Log } from '../kube/log.ts'
import type { ObjectKey } from '../kube/objects.ts'
import type { ServiceAccountIssuerReader } from '../kube/service-account-issuer.ts'
import { apiVersion, authClients, kind } from './api/group.ts'
import type { AuthClient } from './api/schema.ts'
import type { AuthClientStatus } from './api/status.ts'
import type { AuthClients } from './auth-clients.ts'
import type { CredentialsSecret } from './credentials-secret.ts'
import type { ObservedIssuer } from './decide.ts'
import type { Publication } from './publications.ts'
import type { ClientCluster } from './reconcile.ts'

export interface KubeClientClusterOptions {
  clients: AuthClients
  watches: Pick<Watches, 'authServices' | 'referencedSecrets'>
  client: KubeClient
  issuer: ServiceAccountIssuerReader
  recorder: EventRecorder
  log: Log
}

/** Reads from the caches of the watches, and writes through the Kubernetes API. */
export class KubeClientCluster implements ClientCluster {
  readonly #options: KubeClientClusterOptions
  readonly #client: KubeClient

  constructor(options: KubeClientClusterOptions) {
    this.#options = options
    this.#client = options.client
  }

  /** The same cluster, whose requests end when the signal aborts: they reject with RequestCanceledError. */
  until(signal: AbortSignal): KubeClientCluster {
    return new KubeClientCluster({ ...this.#options, client: this.#client.withSignal(signal) })
  }

  cachedClient(key: ObjectKey): AuthClient | undefined {
    return this.#options.clients.get(key)
  }

  cachedAuthService(key: AuthServiceKey): AuthService | undefined {
    return this.#options.watches.authServices.get(key)
  }

  publicationOf(authService: ObjectKey, clientId: string): Publication {
    return this.#options.clients.publicationOf(authService, clientId)
  }

  serviceAccountIssuer(): ObservedIssuer {
    const { current, problem } = this.#options.issuer
    return current === undefined ? { problem } : { issuer: current.issuer }
  }

  expectSecret(client: ObjectKey, secretName: string | undefined): void {
    this.#options.watches.referencedSecrets.expectOfClient(client, secretName)
  }

  readSecret(namespace: string, name: string): Promise<SecretManifest | undefined> {
    return this.#client.getIfExists<SecretManifest>(secrets, namespace, name)
  }

  async createSecret(secret: CredentialsSecret): Promise<void> {
    if (await this.#client.createIfAbsent(secrets, secret)) return
    throw new KubeError(409, 'Conflict', `Secret ${secret.metadata.name} was created by another client meanwhile`)
  }

  applySecret(secret: CredentialsSecret): Promise<void> {
    return this.#client.applyMetadataOnly(secrets, secret)
  }

  deleteSecret(secret: SecretManifest): Promise<void> {
    return this.#client.delete(secrets, secret.metadata)
  }

  async writeStatus({ metadata: { namespace, name } }: AuthClient, status: AuthClientStatus): Promise<void> {
    const object = { apiVersion, kind, metadata: { namespace, name }, status }
    try {
      this.#options.clients.observeWrite(await this.#client.apply<AuthClient>(authClients, object, 'status'))
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }

  recordEvent(regarding: AuthClient, { type, reason, message }: EventToRecord): void {
    const { log, recorder } = this.#options
    log.info({ reason, type }, message)
    recorder.record({ regarding: { ...regarding, apiVersion, kind }, type, reason, action: 'Reconcile', note: message })
  }
}
