import type { Alert } from './alert.ts'

/** What the alerts of one AuthService depend on. */
export interface AlertSubject {
  namespace: string
  name: string
  /** CPU that a server pod requests, in cores: what the autoscaler measures against, too. */
  requestedCores: number
}

/** Shares and times beyond which somebody has to look. */
export const thresholds = {
  responseSeconds: 0.5,
  errorRatio: 0.05,
  cpuRatio: 0.8,
  poolRatio: 0.8,
  refusedLoginRatio: 0.2,
  failedLoginRatio: 0.5,
  /** The server refuses tokens at 30 s. */
  revocationStalenessSeconds: 15,
} as const

/** Of the server pods that the PodMonitor has Prometheus scrape. */
export function podSelector({ namespace, name }: Pick<AlertSubject, 'namespace' | 'name'>): string {
  return `namespace="${namespace}",authservice="${name}"`
}

/** Alerts on what the server pods measure. */
export function serverAlerts(subject: AlertSubject): Alert[] {
  const pods = podSelector(subject)
  return [...trafficAlerts(subject, pods), ...resourceAlerts(subject, pods), ...dependencyAlerts(subject, pods)]
}

function trafficAlerts({ namespace, name }: AlertSubject, pods: string): Alert[] {
  const who = `AuthService ${namespace}/${name}`
  const requests = (more = '') => `sum(rate(http_requests_total{${pods}${more}}[5m]))`
  const logins = (more = '') => `sum(rate(auth_logins_total{${pods}${more}}[10m]))`
  const loginRequests = (more = '') => `sum(rate(http_requests_total{${pods},route="/v1/auth/login"${more}}[10m]))`
  return [
    {
      name: 'AuthServiceDown',
      severity: 'critical',
      expression: `absent(up{${pods}} == 1)`,
      holdsFor: '2m',
      summary: `No server pod of ${who} answers Prometheus.`,
    },
    {
      name: 'AuthServiceSlowResponses',
      severity: 'warning',
      expression: `histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{${pods}}[5m]))) > ${thresholds.responseSeconds}`,
      holdsFor: '10m',
      summary: `5 % of the requests to ${who} take longer than {{ $value | humanizeDuration }}.`,
    },
    {
      name: 'AuthServiceHighErrorRate',
      severity: 'critical',
      expression: `${requests(',status=~"5.."')} / ${requests()} > ${thresholds.errorRatio}`,
      holdsFor: '5m',
      summary: `{{ $value | humanizePercentage }} of the requests to ${who} fail.`,
    },
    {
      name: 'AuthServiceLoginFailures',
      severity: 'warning',
      // Fewer than one in five seconds is people who mistype.
      expression: `${logins(',outcome!="success"')} / ${logins()} > ${thresholds.failedLoginRatio} and ${logins()} > 0.2`,
      holdsFor: '10m',
      summary: `{{ $value | humanizePercentage }} of the log-ins to ${who} fail.`,
    },
    {
      name: 'AuthServiceLockouts',
      severity: 'warning',
      expression: `${loginRequests(',status="429"')} / ${loginRequests()} > ${thresholds.refusedLoginRatio} and ${loginRequests(',status="429"')} > 0.1`,
      holdsFor: '5m',
      summary: `{{ $value | humanizePercentage }} of the log-ins to ${who} are refused by a limit or a lock.`,
    },
  ]
}

function resourceAlerts({ namespace, name, requestedCores }: AlertSubject, pods: string): Alert[] {
  const who = `AuthService ${namespace}/${name}`
  return [
    {
      name: 'AuthServiceHighCpu',
      severity: 'warning',
      // Of the request, as the autoscaler reckons: what lasts is what it could not scale away.
      expression: `avg(rate(process_cpu_seconds_total{${pods}}[5m])) / ${requestedCores} > ${thresholds.cpuRatio}`,
      holdsFor: '15m',
      summary: `The server pods of ${who} use {{ $value | humanizePercentage }} of the CPU that they request.`,
    },
    {
      name: 'AuthServiceMongoPoolNearlyFull',
      severity: 'warning',
      expression: `max by (pod) (mongodb_pool_connections{${pods},state="in_use"}) / max by (pod) (mongodb_pool_max{${pods}}) > ${thresholds.poolRatio}`,
      holdsFor: '5m',
      summary: `Pod {{ $labels.pod }} of ${who} uses {{ $value | humanizePercentage }} of its MongoDB connections.`,
    },
  ]
}

function dependencyAlerts({ namespace, name }: AlertSubject, pods: string): Alert[] {
  const who = `AuthService ${namespace}/${name}`
  return [
    {
      name: 'AuthServiceRedisDown',
      severity: 'critical',
      expression: `min by (pod) (redis_up{${pods}}) == 0`,
      holdsFor: '1m',
      summary: `Pod {{ $labels.pod }} of ${who} does not reach Redis.`,
    },
    {
      name: 'AuthServiceMongoDown',
      severity: 'critical',
      expression: `min by (pod) (mongodb_up{${pods}}) == 0`,
      holdsFor: '1m',
      summary: `Pod {{ $labels.pod }} of ${who} does not reach the primary of MongoDB.`,
    },
    {
      name: 'AuthServiceRevocationsStale',
      severity: 'critical',
      expression: `max by (pod) (auth_revocation_staleness_seconds{${pods}}) > ${thresholds.revocationStalenessSeconds}`,
      holdsFor: '1m',
      summary: `Pod {{ $labels.pod }} of ${who} has heard of no revocation for {{ $value | humanizeDuration }}.`,
    },
    {
      name: 'AuthServiceSigningKeysUnusable',
      severity: 'critical',
      expression: `max by (pod) (auth_signing_keys_file_unusable{${pods}}) == 1`,
      holdsFor: '5m',
      summary: `Pod {{ $labels.pod }} of ${who} cannot read its key set and goes on with older keys.`,
    },
  ]
}
