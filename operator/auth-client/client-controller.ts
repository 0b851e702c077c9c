import { group } from '../authservice/api/group.ts'
import type { InformerSettings } from '../authservice/gather/cache/informers.ts'
import type { Watches } from '../authservice/gather/watches.ts'
import { systemSources } from '../authservice/secrets/system-sources.ts'
import { Controller } from '../kube/controller.ts'
import type { Discovery } from '../kube/discovery.ts'
import { EventRecorder } from '../kube/events.ts'
import type { KubeMetrics } from '../kube/metrics.ts'
import { keyOf, type ObjectKey, splitKey } from '../kube/objects.ts'
import type { ServiceAccountIssuerReader } from '../kube/service-account-issuer.ts'
import { AuthClients } from './auth-clients.ts'
import { KubeClientCluster } from './kube-client-cluster.ts'
import { isNewsFor } from './published-clients.ts'
import { reconcileClient } from './reconcile.ts'

/** A reconcile of an AuthClient makes at most three requests. */
const workers = 2

/**
 * For servers of earlier versions, which do not report what they have loaded: the kubelet may need 90 seconds to show a
 * change of a Secret, and a server reads its file every ten seconds.
 */
const defaultLoadSeconds = 120

export interface ClientControllerOptions extends InformerSettings {
  watches: Watches
  discovery: Discovery
  issuer: ServiceAccountIssuerReader
  metrics: KubeMetrics
  /** Name of this process, for events. */
  instance: string
  /** A reconcile that takes longer is canceled and retried. */
  deadlineMilliseconds?: number
  /** Interval at which the operator looks for the kind. */
  intervalMilliseconds?: number
  /** Time that servers which do not report it need to read a new client. */
  loadSeconds?: number
}

/** The AuthClients with their controller. */
export class ClientController {
  readonly clients: AuthClients
  readonly #watches: Watches
  readonly #issuer: ServiceAccountIssuerReader
  readonly #recorder: EventRecorder
  readonly #controller: Controller

  constructor(options: ClientControllerOptions) {
    const { watches, client, log, metrics, instance, issuer, deadlineMilliseconds } = options
    this.#watches = watches
    this.#issuer = issuer
    this.clients = new AuthClients(options)
    this.#recorder = new EventRecorder(client, `${group}/authclient`, instance, log)
    const cluster = new KubeClientCluster({
      clients: this.clients,
      watches,
      client,
      issuer,
      recorder: this.#recorder,
      log,
    })
    const context = {
      newSecret: () => systemSources.random(32).toString('base64url'),
      loadSeconds: options.loadSeconds ?? defaultLoadSeconds,
    }
    this.#controller = new Controller({
      name: 'authclient',
      workers,
      log,
      metrics,
      ...(deadlineMilliseconds !== undefined && { deadlineMilliseconds }),
      reconcile: (key, signal) => reconcileClient(key, { ...context, cluster: cluster.until(signal) }, new Date()),
    })
  }

  /**
   * AuthClients, their Secrets and their AuthServices depend on each other.
   * @param onClientsOf called with the AuthService whose servers should have other clients
   */
  connect(onClientsOf: (authService: ObjectKey) => void): void {
    const { queue } = this.#controller
    this.clients.listen({
      clientChanged: (key) => queue.add(key),
      clientsOfChanged: (authService, change) => {
        const { namespace = '', name } = splitKey(authService)
        const owner = this.#watches.authServices.get({ namespace, name })
        const issuer = this.#issuer.current?.issuer
        if (owner !== undefined && (change === undefined || isNewsFor(owner, change, issuer))) onClientsOf(authService)
      },
    })
    this.#watches.referencedSecrets.onClientChange((key) => queue.add(key))
    this.#watches.authServices.onChange((change) => {
      const isStatus =
        change.type === 'updated' && change.before.metadata.generation === change.object.metadata.generation
      if (!isStatus) this.clients.authServiceChanged(keyOf(change.object), change.type === 'deleted')
    })
  }

  /** Starts to reconcile. */
  start(): void {
    this.#controller.start()
  }

  /** Waits for running reconciles, and for their events. The cache goes on: reconciles of AuthServices may need it. */
  async stop(): Promise<void> {
    await this.#controller.stop()
    await this.#recorder.flush()
  }

  /** Why it makes no progress; undefined while it does. */
  stuck(): string | undefined {
    return this.#controller.stuck()
  }
}
