import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Metrics of the controller runtime, with the names that dashboards for controller-runtime and client-go use. */
export function createKubeMetrics(registry = new Registry()) {
  const registers = [registry]
  const seconds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30]
  return {
    registry,
    reconcileTotal: new Counter({
      name: 'controller_runtime_reconcile_total',
      help: 'Reconciles by result',
      labelNames: ['controller', 'result'],
      registers,
    }),
    reconcileErrors: new Counter({
      name: 'controller_runtime_reconcile_errors_total',
      help: 'Reconciles that failed',
      labelNames: ['controller'],
      registers,
    }),
    reconcileSeconds: new Histogram({
      name: 'controller_runtime_reconcile_time_seconds',
      help: 'Duration of reconciles',
      labelNames: ['controller'],
      buckets: seconds,
      registers,
    }),
    activeWorkers: new Gauge({
      name: 'controller_runtime_active_workers',
      help: 'Workers that are reconciling',
      labelNames: ['controller'],
      registers,
    }),
    maxWorkers: new Gauge({
      name: 'controller_runtime_max_concurrent_reconciles',
      help: 'Maximum number of workers',
      labelNames: ['controller'],
      registers,
    }),
    queueDepth: new Gauge({ name: 'workqueue_depth', help: 'Keys in the queue', labelNames: ['name'], registers }),
    queueAdds: new Counter({
      name: 'workqueue_adds_total',
      help: 'Keys added to the queue',
      labelNames: ['name'],
      registers,
    }),
    queueSeconds: new Histogram({
      name: 'workqueue_queue_duration_seconds',
      help: 'Time that a key spends in the queue',
      labelNames: ['name'],
      buckets: seconds,
      registers,
    }),
    workSeconds: new Histogram({
      name: 'workqueue_work_duration_seconds',
      help: 'Time that processing a key takes',
      labelNames: ['name'],
      buckets: seconds,
      registers,
    }),
    longestRunning: gaugeOfNow({
      name: 'workqueue_longest_running_processor_seconds',
      help: 'Time for which the longest running key has been processed',
      registers,
    }),
    queueRetries: new Counter({
      name: 'workqueue_retries_total',
      help: 'Keys added again after a failure',
      labelNames: ['name'],
      registers,
    }),
    requests: new Counter({
      name: 'rest_client_requests_total',
      help: 'Requests to the API server',
      labelNames: ['code', 'method'],
      registers,
    }),
    requestSeconds: new Histogram({
      name: 'rest_client_request_duration_seconds',
      help: 'Duration of requests to the API server',
      labelNames: ['method'],
      buckets: seconds,
      registers,
    }),
    leader: new Gauge({
      name: 'leader_election_master_status',
      help: '1 if this process is the leader',
      labelNames: ['name'],
      registers,
    }),
    relists: new Counter({
      name: 'informer_lists_total',
      help: 'Full lists by watched kind',
      labelNames: ['kind'],
      registers,
    }),
    cachedObjects: gaugeByKind({ name: 'informer_objects', help: 'Objects in the caches by watched kind', registers }),
    handlerErrors: new Counter({
      name: 'informer_handler_errors_total',
      help: 'Errors of event handlers',
      labelNames: ['kind'],
      registers,
    }),
  }
}

export type KubeMetrics = ReturnType<typeof createKubeMetrics>

/** A gauge whose values are computed at each scrape. */
function gaugeOfNow(options: { name: string; help: string; registers: Registry[] }) {
  const sources = new Map<string, () => number>()
  const gauge = new Gauge({
    ...options,
    labelNames: ['name'],
    collect() {
      for (const [name, read] of sources) this.set({ name }, read())
    },
  })
  return { gauge, of: (name: string, read: () => number) => void sources.set(name, read) }
}

/** A gauge whose kinds and values are asked for at each scrape. */
function gaugeByKind(options: { name: string; help: string; registers: Registry[] }) {
  let read: () => ReadonlyMap<string, number> = () => new Map()
  const gauge = new Gauge({
    ...options,
    labelNames: ['kind'],
    collect() {
      this.reset()
      for (const [kind, objects] of read()) this.set({ kind }, objects)
    },
  })
  const by = (source: typeof read): void => {
    read = source
  }
  return { gauge, by }
}
