import type { Alert } from './alert.ts'

/** Input of the alerts of one AuthService. */
export interface AlertSubject {
  namespace: string
  name: string
  /** CPU request of a server pod, in cores, which the autoscaler also uses as reference. */
  requestedCores: number
}

/** Thresholds of the alerts: ratios and times. */
export const thresholds = {
  responseSeconds: 0.5,
  errorRatio: 0.05,
  cpuRatio: 0.8,
  poolRatio: 0.8,
  /** Ratio of the connections of an edge pod; a request needs a second connection, to the server. */
  connectionRatio: 0.4,
  refusedLoginRatio: 0.2,
  failedLoginRatio: 0.5,
  /** The server refuses tokens at 30 s. */
  revocationStalenessSeconds: 15,
} as const

/** Selects the server pods of the PodMonitor. */
export function podSelector({ namespace, name }: Pick<AlertSubject, 'namespace' | 'name'>): string {
  return `namespace="${namespace}",authservice="${name}"`
}

/** Alerts about the metrics of the server pods. */
export function serverAlerts(subject: AlertSubject): Alert[] {
  const pods = podSelector(subject)
  return [
    ...trafficAlerts(subject, pods),
    ...federationAlerts(subject, pods),
    ...resourceAlerts(subject, pods),
    ...dependencyAlerts(subject, pods),
  ]
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
      summary: `Prometheus cannot scrape any server pod of ${who}.`,
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
      // Fewer than one in five seconds are users who mistype.
      expression: `${logins(',outcome!="success"')} / ${logins()} > ${thresholds.failedLoginRatio} and ${logins()} > 0.2`,
      holdsFor: '10m',
      summary: `{{ $value | humanizePercentage }} of the logins to ${who} fail.`,
    },
    {
      name: 'AuthServiceLockouts',
      severity: 'warning',
      expression: `${loginRequests(',status="429"')} / ${loginRequests()} > ${thresholds.refusedLoginRatio} and ${loginRequests(',status="429"')} > 0.1`,
      holdsFor: '5m',
      summary: `{{ $value | humanizePercentage }} of the logins to ${who} are refused by a limit or a lock.`,
    },
  ]
}

/** Errors of users and of devices that wait for them: no fault of a client. RFC 6749 section 5.2, RFC 8628 section 3.5. */
const expectedErrors = 'authorization_pending|slow_down|expired_token|access_denied'

/** Selects requests for tokens that were refused by a fault of a client. */
const clientFaults = `client!="unknown",error!~"${expectedErrors}"`

/** Results of logins at other providers that are faults of the provider. */
const providerFaults = 'invalid|unavailable'

/** Alerts about other parties: providers at which users log in, and applications that log users in. */
function federationAlerts({ namespace, name }: AlertSubject, pods: string): Alert[] {
  const who = `AuthService ${namespace}/${name}`
  const rate = (by: string, metric: string, more = '') => `sum by (${by}) (rate(${metric}{${pods}${more}}[10m]))`
  const atProvider = (more: string) => rate('provider', 'auth_identity_provider_logins_total', more)
  const failedLogins = atProvider(`,result=~"${providerFaults}"`)
  const refused = rate('client', 'auth_oauth_refusals_total', `,${clientFaults}`)
  return [
    {
      name: 'AuthServiceIdentityProviderFailing',
      severity: 'warning',
      // A provider with few users has few logins: six failures in ten minutes are enough.
      expression: `${failedLogins} >= 0.01 unless ${atProvider(`,result!~"${providerFaults}"`)} >= ${failedLogins}`,
      holdsFor: '10m',
      summary: `Over half of the logins at the provider {{ $labels.provider }} of ${who} fail.`,
    },
    {
      name: 'AuthServiceClientErrors',
      severity: 'warning',
      expression: `${refused} >= 0.05 unless ${rate('client', 'auth_oauth_grants_total')} >= ${refused}`,
      holdsFor: '10m',
      summary: `Over half of the requests for tokens of the client {{ $labels.client }} of ${who} are refused.`,
    },
  ]
}

function resourceAlerts({ namespace, name, requestedCores }: AlertSubject, pods: string): Alert[] {
  const who = `AuthService ${namespace}/${name}`
  return [
    {
      name: 'AuthServiceHighCpu',
      severity: 'warning',
      // Relative to the request, as in the autoscaler: a lasting excess is load that the autoscaler could not
      // distribute.
      expression: `avg(rate(process_cpu_seconds_total{${pods}}[5m])) / ${requestedCores} > ${thresholds.cpuRatio}`,
      holdsFor: '15m',
      summary: `The server pods of ${who} use {{ $value | humanizePercentage }} of their CPU requests.`,
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
      summary: `Pod {{ $labels.pod }} of ${who} cannot reach Redis.`,
    },
    {
      name: 'AuthServiceMongoDown',
      severity: 'critical',
      expression: `min by (pod) (mongodb_up{${pods}}) == 0`,
      holdsFor: '1m',
      summary: `Pod {{ $labels.pod }} of ${who} cannot reach the primary of MongoDB.`,
    },
    {
      name: 'AuthServiceRevocationsStale',
      severity: 'critical',
      expression: `max by (pod) (auth_revocation_staleness_seconds{${pods}}) > ${thresholds.revocationStalenessSeconds}`,
      holdsFor: '1m',
      summary: `The revocation list of pod {{ $labels.pod }} of ${who} is {{ $value | humanizeDuration }} out of date.`,
    },
    {
      name: 'AuthServiceSigningKeysUnusable',
      severity: 'critical',
      expression: `max by (pod) (auth_signing_keys_file_unusable{${pods}}) == 1`,
      holdsFor: '5m',
      summary: `Pod {{ $labels.pod }} of ${who} cannot read its key set and continues with older keys.`,
    },
  ]
}
