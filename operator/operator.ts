import { collectProcessMetrics } from '@authservice-operator/contract/process-metrics.ts'
import type { KubeConfig } from '@kubernetes/client-node'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { ClientController } from './auth-client/client-controller.ts'
import { group } from './authservice/api/group.ts'
import { KeptFields } from './authservice/apply/kept-fields.ts'
import { KubeClusterWriter } from './authservice/apply/kube-cluster-writer.ts'
import { RestartSlots } from './authservice/apply/restarts.ts'
import { KubeClusterReader } from './authservice/gather/kube-cluster-reader.ts'
import { Watches } from './authservice/gather/watches.ts'
import { reconcile } from './authservice/reconcile.ts'
import { RolloutSlots } from './authservice/rollout/slots.ts'
import { systemSources } from './authservice/secrets/system-sources.ts'
import { AuthServiceMetrics } from './authservice/status/metrics.ts'
import type { Config } from './config.ts'
import { KubeClient } from './kube/client.ts'
import { Controller } from './kube/controller.ts'
import { Discovery } from './kube/discovery.ts'
import { EventRecorder } from './kube/events.ts'
import { type defaultTiming, LeaderElection } from './kube/leader-election.ts'
import { createKubeMetrics, type KubeMetrics } from './kube/metrics.ts'
import { keyOf, splitKey } from './kube/objects.ts'
import { ServiceAccountIssuerReader } from './kube/service-account-issuer.ts'
import { Transport } from './kube/transport.ts'
import { waitForCluster } from './preflight.ts'
import { ProbeServer } from './probe-server.ts'
import { ProfilingServer } from './profiling-server.ts'

/** Time for which changes of children are collected before one reconcile handles all of them. */
const burstMilliseconds = 100

/** The same for changes of clients, which often come by the hundred: a reconcile costs the same for one as for many. */
const defaultClientBurstMilliseconds = 500

const fieldManager = 'authservice-operator'

export interface OperatorOptions {
  /** Defaults to the values of client-go. */
  leaseTiming?: typeof defaultTiming
  kubeConfig: KubeConfig
  version: string
  log: Logger
  /** Interval of the discovery of optional kinds; ten seconds by default. */
  lookUpKindsEveryMilliseconds?: number
  /** A reconcile that takes longer is canceled and retried; two minutes by default. */
  reconcileDeadlineMilliseconds?: number
  /** Time that servers which do not report it need to read a new client; 120 seconds by default. */
  clientLoadSeconds?: number
  /** Time for which changes of clients are collected; half a second by default. */
  clientBurstMilliseconds?: number
  /** Time after which a watch is replaced by the next one; five to ten minutes by default. */
  watchSeconds?: { least: number; most: number }
}

/** Wires all components of the operator together; `run` and `stop` are its life cycle. */
export class Operator {
  readonly #config: Config
  readonly #leaseTiming: typeof defaultTiming | undefined
  readonly #deadlineMilliseconds: number | undefined
  readonly #clientBurstMilliseconds: number
  readonly #log: Logger
  readonly #metrics: KubeMetrics
  readonly #transport: Transport
  readonly #client: KubeClient
  readonly #recorder: EventRecorder
  readonly #watches: Watches
  readonly #clients: ClientController
  readonly #issuer: ServiceAccountIssuerReader
  readonly #controller: Controller
  readonly #probes: ProbeServer
  readonly #profiling: ProfilingServer | undefined
  readonly #election: LeaderElection | undefined
  readonly #stopping = new AbortController()
  /** Answer of the readiness probe; undefined: ready. */
  #notReady: string | undefined = 'starting'

  constructor(
    config: Config,
    {
      kubeConfig,
      version,
      log,
      leaseTiming,
      lookUpKindsEveryMilliseconds,
      reconcileDeadlineMilliseconds,
      watchSeconds,
      clientLoadSeconds,
      clientBurstMilliseconds = defaultClientBurstMilliseconds,
    }: OperatorOptions,
  ) {
    this.#config = config
    this.#leaseTiming = leaseTiming
    this.#clientBurstMilliseconds = clientBurstMilliseconds
    this.#deadlineMilliseconds = reconcileDeadlineMilliseconds
    this.#log = log
    this.#metrics = createKubeMetrics()
    collectProcessMetrics(this.#metrics.registry)
    this.#transport = new Transport(kubeConfig, `authservice-operator/${version}`, (method, code, seconds, path) => {
      this.#metrics.requests.inc({ method, code })
      this.#metrics.requestSeconds.observe({ method }, seconds)
      log.debug({ method, path, code, seconds }, 'the API server answered')
    })
    this.#client = new KubeClient(this.#transport, fieldManager)
    this.#recorder = new EventRecorder(this.#client, `${group}/authservice`, config.podName, log)
    const watching = {
      client: this.#client,
      discovery: new Discovery(this.#transport),
      log,
      namespaces: config.watchNamespaces,
      ...(lookUpKindsEveryMilliseconds !== undefined && { intervalMilliseconds: lookUpKindsEveryMilliseconds }),
      ...(watchSeconds !== undefined && { watchSeconds }),
      onHandlerError: (kind: string) => this.#metrics.handlerErrors.inc({ kind }),
      onList: (kind: string) => this.#metrics.relists.inc({ kind }),
    }
    this.#watches = new Watches(watching)
    this.#issuer = new ServiceAccountIssuerReader({ transport: this.#transport, log })
    this.#clients = new ClientController({
      issuer: this.#issuer,
      ...watching,
      discovery: new Discovery(this.#transport),
      watches: this.#watches,
      metrics: this.#metrics,
      instance: config.podName,
      ...(reconcileDeadlineMilliseconds !== undefined && { deadlineMilliseconds: reconcileDeadlineMilliseconds }),
      ...(clientLoadSeconds !== undefined && { loadSeconds: clientLoadSeconds }),
    })
    const counted = [this.#watches, this.#clients.clients]
    this.#metrics.cachedObjects.by(() => new Map(counted.flatMap((one) => [...one.cachedObjects()])))
    this.#controller = this.#createController()
    this.#probes = new ProbeServer({
      registry: this.#metrics.registry,
      live: () => this.#controller.stuck() ?? this.#clients.stuck() ?? this.#staleWatch(),
      ready: () => this.#notReady,
    })
    this.#profiling = config.profilingPort === undefined ? undefined : new ProfilingServer()
    this.#election = this.#createElection()
  }

  /** Content of `/metrics`. */
  get registry(): Registry {
    return this.#metrics.registry
  }

  /**
   * Runs until it is stopped.
   * @returns why it must exit: another operator may lead
   */
  async run(): Promise<string | undefined> {
    const port = await this.#probes.listen(this.#config.metricsPort)
    this.#log.info({ port, server: this.#transport.serverUrl }, 'serving metrics and probes')
    if (this.#profiling !== undefined && this.#config.profilingPort !== undefined) {
      const profilingPort = await this.#profiling.listen(this.#config.profilingPort)
      this.#log.info({ port: profilingPort }, 'serving profiles on the loopback interface')
    }
    await waitForCluster(this.#client, this.#config.watchNamespaces, {
      log: this.#log,
      signal: this.#stopping.signal,
      onObstacle: (obstacle) => {
        this.#notReady = obstacle
      },
    })
    if (this.#stopping.signal.aborted) return undefined
    this.#notReady = 'filling the caches'
    this.#watches.onChange((key, when) => {
      this.#controller.queue.addAfter(keyOf({ metadata: key }), when === 'now' ? 0 : burstMilliseconds)
    })
    this.#clients.connect((key) => this.#controller.queue.addAfter(key, this.#clientBurstMilliseconds))
    await this.#watches.start()
    await this.#issuer.start()
    await this.#clients.clients.start()
    this.#notReady = undefined
    this.#log.info({ authServices: this.#watches.authServices.list().length }, 'the caches are filled')
    return this.#lead()
  }

  /** Waits for running reconciles, releases the lease and closes connections. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all([this.#controller.stop(), this.#clients.stop()])
    await this.#recorder.flush()
    await this.#election?.release()
    await Promise.all([this.#watches.stop(), this.#clients.clients.stop(), this.#issuer.stop()])
    await this.#probes.close()
    await this.#profiling?.close()
    this.#transport.close()
  }

  #staleWatch(): string | undefined {
    return this.#watches.hasSynced ? (this.#watches.staleWatch() ?? this.#clients.clients.staleWatch()) : undefined
  }

  async #lead(): Promise<string | undefined> {
    const leadership = await this.#election?.acquire()
    this.#controller.start()
    this.#clients.start()
    this.#log.info({ workers: this.#config.workers }, 'reconciling')
    const reason = await leadership?.lost
    return this.#stopping.signal.aborted ? undefined : reason
  }

  #createController(): Controller {
    const { images, allowedImagePrefixes, allowedIngressAnnotations, workers, prometheusUrl, maxConcurrentRollouts } =
      this.#config
    const metrics = new AuthServiceMetrics(this.#metrics.registry)
    const slots = new RolloutSlots(maxConcurrentRollouts)
    this.#watches.authServices.onChange(({ type, object }) =>
      type === 'deleted' ? slots.forget(object) : slots.update(object),
    )
    const reader = new KubeClusterReader({
      watches: this.#watches,
      client: this.#client,
      clients: this.#clients.clients,
      prometheusUrl,
    })
    const writer = new KubeClusterWriter({
      client: this.#client,
      recorder: this.#recorder,
      log: this.#log,
      statusObserver: this.#watches.authServices,
    })
    const context = {
      metrics,
      keptFields: new KeptFields(),
      images,
      allowedImagePrefixes,
      allowedIngressAnnotations,
      hasPrometheus: prometheusUrl !== undefined,
      secretSources: systemSources,
      rolloutSlots: slots,
      restartSlots: new RestartSlots(maxConcurrentRollouts),
    }
    return new Controller({
      name: 'authservice',
      workers,
      log: this.#log,
      metrics: this.#metrics,
      ...(this.#deadlineMilliseconds !== undefined && { deadlineMilliseconds: this.#deadlineMilliseconds }),
      reconcile: (key, signal) => {
        const { namespace = '', name } = splitKey(key)
        const bounded = { ...context, reader: reader.until(signal), writer: writer.until(signal) }
        return reconcile({ namespace, name }, bounded, new Date())
      },
    })
  }

  #createElection(): LeaderElection | undefined {
    const { leaderElection, podName } = this.#config
    if (leaderElection === undefined) return undefined
    const { namespace } = leaderElection
    const name = 'authservice-operator'
    this.#metrics.leader.set({ name }, 0)
    return new LeaderElection({
      client: this.#client,
      namespace,
      name,
      identity: podName,
      log: this.#log,
      ...(this.#leaseTiming !== undefined && { timing: this.#leaseTiming }),
      onChange: (leading) => this.#metrics.leader.set({ name }, leading ? 1 : 0),
    })
  }
}
