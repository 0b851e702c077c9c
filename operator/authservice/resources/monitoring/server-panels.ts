import type { Panel } from './panel.ts'
import { podSelector, thresholds } from './server-alerts.ts'

/** The graphs of the servers. */
export function serverPanels(subject: { namespace: string; name: string }): Panel[] {
  const pods = podSelector(subject)
  return [...trafficPanels(pods), ...loginPanels(pods), ...resourcePanels(pods), ...dependencyPanels(pods)]
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
      title: 'Second factors',
      description:
        'Codes by method and outcome, and correct passwords that wait for a code. Many wrong codes mean that an attacker who knows a password is guessing. Many used codes mean that a client sends a code twice.',
      unit: 'reqps',
      queries: [
        { expression: rate('auth_mfa_codes_total', 'method, outcome'), legend: '{{method}}: {{outcome}}' },
        {
          expression: `sum(rate(auth_mfa_first_steps_total{${pods}}[$__rate_interval]))`,
          legend: 'correct passwords',
        },
      ],
    },
    {
      title: 'Logins at other providers',
      description:
        'By provider and result. unavailable: the provider does not answer. invalid: its answer cannot be accepted.',
      unit: 'reqps',
      queries: [
        {
          expression: rate('auth_identity_provider_logins_total', 'provider, result'),
          legend: '{{provider}}: {{result}}',
        },
      ],
    },
    {
      title: 'Refused requests for tokens',
      description:
        'By client of OpenID Connect and error, those with the most. invalid_client: a wrong secret or assertion. invalid_grant: a code or refresh token that is not valid, or no longer. unknown: no client of this AuthService.',
      unit: 'reqps',
      queries: [
        {
          expression: `topk(10, ${rate('auth_oauth_refusals_total', 'client, error')})`,
          legend: '{{client}}: {{error}}',
        },
      ],
    },
    {
      title: 'Granted requests for tokens',
      description: 'By client of OpenID Connect, those with the most.',
      unit: 'reqps',
      queries: [{ expression: `topk(10, ${rate('auth_oauth_grants_total', 'client')})`, legend: '{{client}}' }],
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
