import { edgeSelector } from './edge-alerts.ts'
import { podSelector, thresholds } from './server-alerts.ts'

/** One graph, without its position. */
export interface Panel {
  title: string
  /** What the graph shows, and how to interpret it. */
  description: string
  /** Name of the unit in Grafana. */
  unit: 's' | 'dtdurations' | 'reqps' | 'percentunit' | 'bytes' | 'short'
  /** Threshold from which the graph is red; undefined: none. */
  limit?: number
  queries: { expression: string; legend: string }[]
}

/** The graphs of one AuthService, in order. */
export function panelsOf(subject: { namespace: string; name: string }): Panel[] {
  const pods = podSelector(subject)
  return [
    ...edgePanels(edgeSelector(subject)),
    ...trafficPanels(pods),
    ...loginPanels(pods),
    ...resourcePanels(pods),
    ...dependencyPanels(pods),
    ...operationPanels(pods, operatorSelector(subject)),
  ]
}

/** Selects the metrics of the operator for one AuthService. */
function operatorSelector({ namespace, name }: { namespace: string; name: string }): string {
  return `namespace="${namespace}",name="${name}"`
}

/** Changes of the AuthService, as vertical lines in every graph. */
export function marksOf(subject: { namespace: string; name: string }): { title: string; expression: string }[] {
  const about = operatorSelector(subject)
  return [
    // A series begins when the version or the phase changes to its value.
    { title: 'Version', expression: `authservice_info{${about}} unless authservice_info{${about}} offset 1m` },
    {
      title: 'Rollout',
      expression: `authservice_rollout_phase{${about}} unless authservice_rollout_phase{${about}} offset 1m`,
    },
  ]
}

/** Empty if `spec.ingress` has another type than Nginx. */
function edgePanels(edge: string): Panel[] {
  const answers = (more = '') => `sum(rate(edge_http_requests_total{${edge}${more}}[$__rate_interval]))`
  return [
    {
      title: 'Responses of the edge',
      description: 'Responses to clients by status, from servers and from the edge itself.',
      unit: 'reqps',
      queries: [
        {
          expression: `sum by (status) (rate(edge_http_requests_total{${edge}}[$__rate_interval]))`,
          legend: '{{status}}',
        },
      ],
    },
    {
      title: 'Errors of the edge',
      description: 'Share of responses to clients with a status of 500 or above.',
      unit: 'percentunit',
      limit: thresholds.errorRatio,
      queries: [{ expression: `${answers(',status=~"5.."')} / ${answers()}`, legend: 'errors' }],
    },
    {
      title: 'Connections at the edge',
      description: 'Share of the maximum number of connections of an edge pod.',
      unit: 'percentunit',
      limit: thresholds.connectionRatio,
      queries: [
        { expression: `max by (pod) (edge_connections{${edge}} / edge_connections_max{${edge}})`, legend: '{{pod}}' },
      ],
    },
  ]
}

function operationPanels(pods: string, about: string): Panel[] {
  return [
    {
      title: 'Server pods',
      description:
        'Pods that Prometheus can scrape, by colour. The autoscaler, a rollout or a failure changes their number.',
      unit: 'short',
      queries: [{ expression: `count by (color) (up{${pods}} == 1)`, legend: '{{color}}' }],
    },
    {
      title: 'Ready',
      description: '1 while the condition Ready of the AuthService is True.',
      unit: 'short',
      queries: [{ expression: `max(authservice_ready{${about}})`, legend: 'Ready' }],
    },
    {
      title: 'Rollout',
      description:
        'The current phase, and the outcome of the last rollout: RolledBack or DeadlineExceeded until one succeeds.',
      unit: 'short',
      queries: [
        { expression: `max by (phase) (authservice_rollout_phase{${about}})`, legend: 'phase: {{phase}}' },
        { expression: `max by (outcome) (authservice_rollout_last_outcome{${about}})`, legend: 'last: {{outcome}}' },
      ],
    },
    {
      title: 'Refused logins',
      description:
        'Share of logins that a limit or a lock refuses. During the analysis of a rollout, too many roll it back.',
      unit: 'percentunit',
      limit: thresholds.refusedLoginRatio,
      queries: [
        {
          expression: `sum by (color) (rate(http_requests_total{${pods},route="/v1/auth/login",status="429"}[$__rate_interval])) / sum by (color) (rate(http_requests_total{${pods},route="/v1/auth/login"}[$__rate_interval]))`,
          legend: '{{color}}',
        },
      ],
    },
    {
      title: 'Age of secrets',
      description:
        'Time since each signing key, password, certificate and secret of the operator was created or rotated.',
      unit: 'dtdurations',
      queries: [
        {
          expression: `time() - max by (secret, key) (authservice_secret_created_timestamp_seconds{${about}})`,
          legend: '{{secret}} {{key}}',
        },
      ],
    },
    {
      title: 'Key dates',
      description: 'Time until the next signing key becomes active, and until the certificate of the edge expires.',
      unit: 'dtdurations',
      queries: [
        {
          expression: `max(authservice_secret_rotation_timestamp_seconds{${about},state="next"}) - time()`,
          legend: 'next signing key',
        },
        {
          expression: `min(authservice_certificate_expiry_timestamp_seconds{${about}}) - time()`,
          legend: 'certificate expiry',
        },
      ],
    },
  ]
}

function trafficPanels(pods: string): Panel[] {
  const by = (label: string, more = '') =>
    `sum by (${label}) (rate(http_requests_total{${pods}${more}}[$__rate_interval]))`
  const quantile = (share: number) =>
    `histogram_quantile(${share}, sum by (le) (rate(http_request_duration_seconds_bucket{${pods}}[$__rate_interval])))`
  return [
    {
      title: 'Requests by endpoint',
      description: 'Responses per second, of all statuses.',
      unit: 'reqps',
      queries: [{ expression: by('method, route'), legend: '{{method}} {{route}}' }],
    },
    {
      title: 'Errors by endpoint',
      description: 'Share of responses with a status of 500 or above.',
      unit: 'percentunit',
      limit: thresholds.errorRatio,
      queries: [{ expression: `${by('route', ',status=~"5.."')} / ${by('route')}`, legend: '{{route}}' }],
    },
    {
      title: 'Response time',
      description: 'Of all endpoints together. A login takes as long as a password hash: about 0.2 s.',
      unit: 's',
      limit: thresholds.responseSeconds,
      queries: [0.5, 0.95, 0.99].map((share) => ({ expression: quantile(share), legend: `p${share * 100}` })),
    },
    {
      title: 'Requests refused by a rate limit',
      description: 'Responses with status 429 per second.',
      unit: 'reqps',
      queries: [{ expression: by('route', ',status="429"'), legend: '{{route}}' }],
    },
  ]
}

function loginPanels(pods: string): Panel[] {
  const rate = (metric: string, label: string) => `sum by (${label}) (rate(${metric}{${pods}}[$__rate_interval]))`
  return [
    {
      title: 'Logins by outcome',
      description: 'More failures than usual mean that an attacker is guessing passwords, or that a client is faulty.',
      unit: 'reqps',
      queries: [{ expression: rate('auth_logins_total', 'outcome'), legend: '{{outcome}}' }],
    },
    {
      title: 'Token verifications by result',
      description: 'active: accepted.',
      unit: 'reqps',
      queries: [{ expression: rate('auth_token_verifications_total', 'result'), legend: '{{result}}' }],
    },
    {
      title: 'Tokens issued and revocations',
      description: 'By kind of token and kind of revocation.',
      unit: 'reqps',
      queries: [
        { expression: rate('auth_tokens_issued_total', 'kind'), legend: 'issued: {{kind}}' },
        { expression: rate('auth_revocations_total', 'scope'), legend: 'revoked: {{scope}}' },
      ],
    },
    {
      title: 'Password hashes in the queue',
      description: 'Logins that wait because the CPU cannot hash more. When the queue is full, logins get 503.',
      unit: 'short',
      queries: [{ expression: `sum by (pod) (auth_password_hash_queue{${pods}})`, legend: '{{pod}}' }],
    },
  ]
}

function resourcePanels(pods: string): Panel[] {
  return [
    {
      title: 'CPU',
      description: 'Cores that a pod uses.',
      unit: 'short',
      queries: [
        {
          expression: `sum by (pod) (rate(process_cpu_seconds_total{${pods}}[$__rate_interval]))`,
          legend: '{{pod}}',
        },
      ],
    },
    {
      title: 'Memory',
      description: 'Resident memory of a pod.',
      unit: 'bytes',
      queries: [{ expression: `sum by (pod) (process_resident_memory_bytes{${pods}})`, legend: '{{pod}}' }],
    },
    {
      title: 'Event loop lag',
      description: 'p99 of the event loop lag, which delays every request.',
      unit: 's',
      queries: [{ expression: `max by (pod) (nodejs_eventloop_lag_p99_seconds{${pods}})`, legend: '{{pod}}' }],
    },
  ]
}

function dependencyPanels(pods: string): Panel[] {
  return [
    {
      title: 'MongoDB connections in use',
      description: 'Share of the pool, of each pod.',
      unit: 'percentunit',
      limit: thresholds.poolRatio,
      queries: [
        {
          expression: `max by (pod) (mongodb_pool_connections{${pods},state="in_use"}) / max by (pod) (mongodb_pool_max{${pods}})`,
          legend: '{{pod}}',
        },
      ],
    },
    {
      title: 'Age of the revocation list',
      description: 'Above 30 s, a pod refuses every token, because it might have been revoked.',
      unit: 's',
      limit: thresholds.revocationStalenessSeconds,
      queries: [{ expression: `max by (pod) (auth_revocation_staleness_seconds{${pods}})`, legend: '{{pod}}' }],
    },
    {
      title: 'MongoDB and Redis reachable',
      description: '1 while all pods reach the database.',
      unit: 'short',
      queries: [
        { expression: `min(mongodb_up{${pods}})`, legend: 'MongoDB' },
        { expression: `min(redis_up{${pods}})`, legend: 'Redis' },
      ],
    },
  ]
}
