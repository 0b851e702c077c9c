import type { Panel } from './panel.ts'

/** Of the controller of AuthServices. */
const controller = 'controller="authservice"'
const queue = 'name="authservice"'
/** The leader alone reconciles. Its pod is told by the lease of the operator. */
const leader = 'leader_election_master_status{name="authservice-operator"}'
const inRange = '[$__rate_interval]'

/** The graphs of the operator, in their order. */
export const operatorPanels: readonly Panel[] = [
  {
    title: 'Leader',
    description: '1 for the operator that reconciles, 0 for one that waits. Without a leader nothing is repaired.',
    unit: 'short',
    queries: [{ expression: `max by (pod) (${leader})`, legend: '{{pod}}' }],
  },
  {
    title: 'AuthServices',
    description: 'All AuthServices, those that are ready, and those with open items in the production checklist.',
    unit: 'short',
    queries: [
      { expression: 'count(authservice_ready{})', legend: 'all' },
      { expression: 'sum(authservice_ready{})', legend: 'ready' },
      { expression: 'sum(authservice_checklist_open_items{} > bool 0)', legend: 'with open items' },
    ],
  },
  {
    title: 'Rollouts in progress',
    description: 'AuthServices by the phase of their rollout. At rest, the phase is Stable.',
    unit: 'short',
    queries: [
      { expression: 'count by (phase) (authservice_rollout_phase{phase!="Stable"}) or vector(0)', legend: '{{phase}}' },
    ],
  },
  {
    title: 'Failed rollouts',
    description: 'AuthServices whose last rollout failed, so that the previous revision serves.',
    unit: 'short',
    limit: 1,
    queries: [
      {
        expression:
          'count by (outcome) (authservice_rollout_last_outcome{outcome=~"RolledBack|DeadlineExceeded"}) or vector(0)',
        legend: '{{outcome}}',
      },
    ],
  },
  {
    title: 'Reconciles by result',
    description: 'An error is retried with a growing delay.',
    unit: 'reqps',
    queries: [
      {
        expression: `sum by (result) (rate(controller_runtime_reconcile_total{${controller}}${inRange}))`,
        legend: '{{result}}',
      },
    ],
  },
  {
    title: 'Duration of a reconcile',
    description: 'p50 and p99, with the requests to the API server in it.',
    unit: 's',
    queries: [0.5, 0.99].map((share) => ({
      expression: `histogram_quantile(${share}, sum by (le) (rate(controller_runtime_reconcile_time_seconds_bucket{${controller}}${inRange})))`,
      legend: `p${share * 100}`,
    })),
  },
  {
    title: 'Queue',
    description: 'AuthServices that wait for a worker, and workers that reconcile.',
    unit: 'short',
    queries: [
      { expression: `max(workqueue_depth{${queue}})`, legend: 'waiting' },
      { expression: `max(controller_runtime_active_workers{${controller}})`, legend: 'busy workers' },
      { expression: `max(controller_runtime_max_concurrent_reconciles{${controller}})`, legend: 'all workers' },
    ],
  },
  {
    title: 'Wait in the queue',
    description: 'p99 of the time that an AuthService waits, and the age of the slowest reconcile that runs.',
    unit: 's',
    queries: [
      {
        expression: `histogram_quantile(0.99, sum by (le) (rate(workqueue_queue_duration_seconds_bucket{${queue}}${inRange})))`,
        legend: 'p99 wait',
      },
      { expression: `max(workqueue_longest_running_processor_seconds{${queue}})`, legend: 'slowest reconcile' },
    ],
  },
  {
    title: 'Requests to the API server',
    description: 'By status code. <error>: no response.',
    unit: 'reqps',
    queries: [{ expression: `sum by (code) (rate(rest_client_requests_total{}${inRange}))`, legend: '{{code}}' }],
  },
  {
    title: 'Errors of the API server',
    description: 'Share of requests without a response, or with a status of 429 or above 499.',
    unit: 'percentunit',
    limit: 0.05,
    queries: [
      {
        expression: `(sum(rate(rest_client_requests_total{code=~"5..|429|<error>"}${inRange})) or vector(0)) / sum(rate(rest_client_requests_total{}${inRange}))`,
        legend: 'errors',
      },
    ],
  },
  {
    title: 'Latency of the API server',
    description: 'p99 by method.',
    unit: 's',
    queries: [
      {
        expression: `histogram_quantile(0.99, sum by (le, method) (rate(rest_client_request_duration_seconds_bucket{}${inRange})))`,
        legend: '{{method}}',
      },
    ],
  },
  {
    title: 'Objects in the caches',
    description: 'By kind. Memory grows with them.',
    unit: 'short',
    queries: [{ expression: 'max by (kind) (informer_objects{})', legend: '{{kind}}' }],
  },
  {
    title: 'Full lists',
    description: 'A cache lists its kind once at the start, and again after a watch was lost.',
    unit: 'short',
    queries: [{ expression: 'sum by (kind) (increase(informer_lists_total{}[1h]))', legend: '{{kind}}' }],
  },
  {
    title: 'CPU of the operator',
    description: 'Cores that a pod uses.',
    unit: 'short',
    queries: [
      {
        expression: `sum by (pod) (rate(process_cpu_seconds_total{}${inRange}) and on (pod) ${leader})`,
        legend: '{{pod}}',
      },
    ],
  },
  {
    title: 'Memory of the operator',
    description: 'Resident memory of a pod.',
    unit: 'bytes',
    queries: [
      {
        expression: `sum by (pod) (process_resident_memory_bytes{} and on (pod) ${leader})`,
        legend: '{{pod}}',
      },
    ],
  },
]
