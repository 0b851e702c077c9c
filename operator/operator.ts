import { collectProcessMetrics } from '@authservice-operator/api-server/plugins/app/observability/process-metrics.ts'
import type { KubeConfig } from '@kubernetes/client-node'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { group } from './authservice/api/group.ts'
import { KubeCluster } from './authservice/kube-cluster.ts'
import { AuthServiceMetrics } from './authservice/metrics.ts'
import { reconcile } from './authservice/reconcile.ts'
import type { Config } from './config.ts'
import { KubeClient } from './kube/client.ts'
import { Controller } from './kube/controller.ts'
import { Discovery } from './kube/discovery.ts'
import { EventRecorder } from './kube/events.ts'
import { type defaultTiming, LeaderElection } from './kube/leader-election.ts'
import { createKubeMetrics, type KubeMetrics } from './kube/metrics.ts'
import { keyOf, splitKey } from './kube/objects.ts'
import { Transport } from './kube/transport.ts'
import { waitForCluster } from './preflight.ts'
import { ProbeServer } from './probe-server.ts'
import { ProfilingServer } from './profiling-server.ts'

/** How long changes of children are gathered before one visit looks at all of them. */
const burstMilliseconds = 100

const fieldManager = 'authservice-operator'

export interface OperatorOptions {
  /** client-go's by default. */
  leaseTiming?: typeof defaultTiming
  kubeConfig: KubeConfig
  version: string
  log: Logger
  /** How often it is asked which kinds the cluster has; ten seconds by default. */
  lookUpKindsEveryMilliseconds?: number
  /** How long a watch runs before the next one takes over; five to ten minutes by default. */
  watchSeconds?: { least: number; most: number }
}

/** All parts of the operator, put together; `run` and `stop` are its life. */
export class Operator {
  readonly #config: Config
  readonly #leaseTiming: typeof defaultTiming | undefined
  readonly #log: Logger
  readonly #metrics: KubeMetrics
  readonly #transport: Transport
  readonly #client: KubeClient
  readonly #recorder: EventRecorder
  readonly #cluster: KubeCluster
  readonly #controller: Controller
  readonly #probes: ProbeServer
  readonly #profiling: ProfilingServer | undefined
  readonly #election: LeaderElection | undefined
  readonly #stopping = new AbortController()
  /** What the readiness probe answers; undefined: ready. */
  #notReady: string | undefined = 'starting'

  constructor(
    config: Config,
    { kubeConfig, version, log, leaseTiming, lookUpKindsEveryMilliseconds, watchSeconds }: OperatorOptions,
  ) {
    this.#config = config
    this.#leaseTiming = leaseTiming
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
    this.#cluster = new KubeCluster({
      client: this.#client,
      discovery: new Discovery(this.#transport),
      recorder: this.#recorder,
      log,
      namespaces: config.watchNamespaces,
      prometheusUrl: config.prometheusUrl,
      ...(lookUpKindsEveryMilliseconds !== undefined && { intervalMilliseconds: lookUpKindsEveryMilliseconds }),
      ...(watchSeconds !== undefined && { watchSeconds }),
      onHandlerError: (kind) => this.#metrics.handlerErrors.inc({ kind }),
      onList: (kind) => this.#metrics.relists.inc({ kind }),
    })
    this.#controller = this.#createController()
    this.#probes = new ProbeServer({
      registry: this.#metrics.registry,
      live: () => this.#controller.stuck() ?? (this.#cluster.hasSynced ? this.#cluster.silence() : undefined),
      ready: () => this.#notReady,
    })
    this.#profiling = config.profilingPort === undefined ? undefined : new ProfilingServer()
    this.#election = this.#createElection()
  }

  /** What `/metrics` shows. */
  get registry(): Registry {
    return this.#metrics.registry
  }

  /**
   * Runs until it is stopped.
   * @returns why it must end: another operator may lead
   */
  async run(): Promise<string | undefined> {
    const port = await this.#probes.listen(this.#config.metricsPort)
    this.#log.info({ port, server: this.#transport.serverUrl }, 'metrics and probes are served')
    if (this.#profiling !== undefined && this.#config.profilingPort !== undefined) {
      const profilingPort = await this.#profiling.listen(this.#config.profilingPort)
      this.#log.info({ port: profilingPort }, 'profiles are taken on the loopback interface')
    }
    await waitForCluster(this.#client, this.#config.watchNamespaces, {
      log: this.#log,
      signal: this.#stopping.signal,
      onObstacle: (obstacle) => {
        this.#notReady = obstacle
      },
    })
    if (this.#stopping.signal.aborted) return undefined
    this.#notReady = 'the caches are being filled'
    this.#cluster.onChange((key, when) => {
      this.#controller.queue.addAfter(keyOf({ metadata: key }), when === 'now' ? 0 : burstMilliseconds)
    })
    await this.#cluster.start()
    this.#notReady = undefined
    this.#log.info({ authServices: this.#cluster.authServices().length }, 'the caches are filled')
    return this.#lead()
  }

  /** Lets running visits finish, gives the lease back, and closes connections. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#controller.stop()
    await this.#recorder.flush()
    await this.#election?.release()
    await this.#cluster.stop()
    await this.#probes.close()
    await this.#profiling?.close()
    this.#transport.close()
  }

  async #lead(): Promise<string | undefined> {
    const leadership = await this.#election?.acquire()
    this.#controller.start()
    this.#log.info({ workers: this.#config.workers }, 'reconciling')
    const reason = await leadership?.lost
    return this.#stopping.signal.aborted ? undefined : reason
  }

  #createController(): Controller {
    const { images, allowedImagePrefixes, workers, prometheusUrl } = this.#config
    const metrics = new AuthServiceMetrics(this.#metrics.registry)
    const context = {
      cluster: this.#cluster,
      metrics,
      images,
      allowedImagePrefixes,
      hasPrometheus: prometheusUrl !== undefined,
    }
    return new Controller({
      name: 'authservice',
      workers,
      log: this.#log,
      metrics: this.#metrics,
      reconcile: (key) => {
        const { namespace = '', name } = splitKey(key)
        return reconcile({ namespace, name }, context, new Date())
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
