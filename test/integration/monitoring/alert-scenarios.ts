/** Series and their values in promtool's notation: `0+5x10` is 0, 5, 10, …, one value per minute. */
export type Series = Readonly<Record<string, string>>

/** Series on which an alert fires, and similar ones on which it does not. */
export interface Scenario {
  fires: Series
  quiet: Series
  /** True for an alert that fires on missing series. */
  firesOnNothing?: boolean
}

const pod = 'namespace="team-a",authservice="accounts",pod="accounts-blue-1"'
const other = 'namespace="team-a",authservice="other",pod="other-blue-1"'
const requests = (status: string, perMinute: number, route = '/v1/auth/verify') => ({
  [`http_requests_total{${pod},method="GET",route="${route}",status="${status}"}`]: `0+${perMinute}x600`,
})
const edgePod = 'namespace="team-a",authservice_edge="accounts",pod="accounts-edge-1"'
const atEdge = (status: string, perMinute: number, labels = edgePod) => ({
  [`edge_http_requests_total{${labels},status="${status}"}`]: `0+${perMinute}x600`,
})
const logins = (outcome: string, perMinute: number) => ({
  [`auth_logins_total{${pod},outcome="${outcome}"}`]: `0+${perMinute}x600`,
})
const atProvider = (provider: string, result: string, perMinute: number) => ({
  [`auth_identity_provider_logins_total{${pod},provider="${provider}",result="${result}"}`]: `0+${perMinute}x600`,
})
const refused = (client: string, error: string, perMinute: number) => ({
  [`auth_oauth_refusals_total{${pod},client="${client}",error="${error}"}`]: `0+${perMinute}x600`,
})
const granted = (client: string, perMinute: number) => ({
  [`auth_oauth_grants_total{${pod},client="${client}"}`]: `0+${perMinute}x600`,
})
/** The number of 100 requests per minute that are answered within each bound. */
const answered = (within: Record<string, number>) =>
  Object.fromEntries(
    Object.entries({ ...within, '+Inf': 100 }).map(([bound, perMinute]) => [
      `http_request_duration_seconds_bucket{${pod},route="/v1/auth/verify",le="${bound}"}`,
      `0+${perMinute}x600`,
    ]),
  )
const gauge = (name: string, value: number, labels = pod) => ({ [`${name}{${labels}}`]: `${value}x600` })
const about = 'namespace="team-a",name="accounts"'
const day = 86_400
/** Every scenario is evaluated after ten hours. Time starts at 0. */
export const lookedAtSeconds = 36_000

/** One for each alert, by name and severity. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  'AuthServiceDown critical': {
    fires: { ...gauge('up', 0), ...gauge('up', 1, other) },
    quiet: { ...gauge('up', 0), ...gauge('up', 1, pod.replace('blue-1', 'blue-2')) },
    firesOnNothing: true,
  },
  'AuthServiceSlowResponses warning': {
    fires: answered({ '0.2': 50, '0.5': 90, '1': 100 }),
    quiet: answered({ '0.2': 50, '0.5': 96, '1': 100 }),
  },
  'AuthServiceHighErrorRate critical': {
    fires: { ...requests('200', 94), ...requests('503', 6) },
    quiet: { ...requests('200', 80), ...requests('503', 4), ...requests('401', 16) },
  },
  'AuthServiceLoginFailures warning': {
    // No login succeeds, so the series of successes does not exist.
    fires: logins('invalid_credentials', 20),
    quiet: { ...logins('success', 21), ...logins('invalid_credentials', 20) },
  },
  'AuthServiceLockouts warning': {
    fires: { ...requests('200', 20, '/v1/auth/login'), ...requests('429', 10, '/v1/auth/login') },
    quiet: { ...requests('200', 100, '/v1/auth/login'), ...requests('429', 10, '/v1/auth/login') },
  },
  'AuthServiceIdentityProviderFailing warning': {
    // No login succeeds, so the series of successes does not exist.
    fires: { ...atProvider('corp', 'unavailable', 1), ...atProvider('other', 'success', 9) },
    quiet: {
      ...atProvider('corp', 'unavailable', 1),
      ...atProvider('corp', 'success', 1),
      ...atProvider('corp', 'second_factor', 1),
      ...atProvider('other', 'denied', 9),
    },
  },
  'AuthServiceClientErrors warning': {
    fires: { ...refused('shop', 'invalid_client', 2), ...refused('shop', 'invalid_grant', 2), ...granted('shop', 3) },
    quiet: {
      ...refused('shop', 'invalid_grant', 4),
      ...granted('shop', 5),
      // A device that waits for its user, and an attacker who tries names of clients.
      ...refused('tv', 'authorization_pending', 60),
      ...refused('unknown', 'invalid_client', 60),
    },
  },
  'AuthServiceHighCpu warning': {
    // Production requests 250m: 80 % of it is 12 s per minute.
    fires: { [`process_cpu_seconds_total{${pod}}`]: '0+13x600' },
    quiet: { [`process_cpu_seconds_total{${pod}}`]: '0+11x600' },
  },
  'AuthServiceMongoPoolNearlyFull warning': {
    fires: { ...gauge('mongodb_pool_connections', 41, `${pod},state="in_use"`), ...gauge('mongodb_pool_max', 50) },
    quiet: {
      ...gauge('mongodb_pool_connections', 39, `${pod},state="in_use"`),
      ...gauge('mongodb_pool_connections', 11, `${pod},state="idle"`),
      ...gauge('mongodb_pool_max', 50),
    },
  },
  'AuthServiceRedisDown critical': {
    fires: gauge('redis_up', 0),
    quiet: { ...gauge('redis_up', 1), ...gauge('redis_up', 0, other) },
  },
  'AuthServiceMongoDown critical': {
    fires: { ...gauge('mongodb_up', 0), ...gauge('mongodb_up', 1, pod.replace('blue-1', 'blue-2')) },
    quiet: { ...gauge('mongodb_up', 1), ...gauge('mongodb_up', 0, other) },
  },
  'AuthServiceRevocationsStale critical': {
    fires: gauge('auth_revocation_staleness_seconds', 16),
    quiet: gauge('auth_revocation_staleness_seconds', 14),
  },
  'AuthServiceSigningKeysUnusable critical': {
    fires: gauge('auth_signing_keys_file_unusable', 1),
    quiet: gauge('auth_signing_keys_file_unusable', 0),
  },
  'AuthServiceEdgeErrors critical': {
    // The servers do not count these, which never reached them.
    fires: { ...atEdge('200', 94), ...atEdge('503', 12), ...requests('200', 94) },
    quiet: { ...atEdge('200', 80), ...atEdge('503', 4), ...atEdge('429', 16), ...atEdge('503', 50, other) },
  },
  'AuthServiceEdgeNearlyFull warning': {
    fires: { ...gauge('edge_connections', 14_000, edgePod), ...gauge('edge_connections_max', 32_768, edgePod) },
    quiet: { ...gauge('edge_connections', 12_000, edgePod), ...gauge('edge_connections_max', 32_768, edgePod) },
  },
  'AuthServiceNotReady warning': {
    fires: gauge('authservice_ready', 0, about),
    quiet: {
      ...gauge('authservice_ready', 1, about),
      ...gauge('authservice_ready', 0, 'namespace="team-b",name="accounts"'),
    },
  },
  'AuthServiceRolloutFailed warning': {
    fires: gauge('authservice_rollout_last_outcome', 1, `${about},outcome="RolledBack"`),
    quiet: {
      // It failed, and the next one succeeded: the series of the failure ends.
      [`authservice_rollout_last_outcome{${about},outcome="DeadlineExceeded"}`]: '1x200 stale',
      [`authservice_rollout_last_outcome{${about},outcome="Promoted"}`]: '_x200 1x400',
      ...gauge('authservice_rollout_last_outcome', 1, 'namespace="team-b",name="accounts",outcome="RolledBack"'),
    },
  },
  'AuthServiceKeyRotationOverdue warning': {
    fires: gauge('authservice_secret_rotation_timestamp_seconds', 20_000, `${about},state="next"`),
    quiet: {
      ...gauge('authservice_secret_rotation_timestamp_seconds', 20_000, `${about},state="last"`),
      ...gauge('authservice_secret_rotation_timestamp_seconds', lookedAtSeconds + 60, `${about},state="next"`),
    },
  },
  'AuthServiceCertificateExpires warning': {
    fires: gauge('authservice_certificate_expiry_timestamp_seconds', 10 * day, about),
    quiet: gauge('authservice_certificate_expiry_timestamp_seconds', 20 * day, about),
  },
  'AuthServiceCertificateExpires critical': {
    fires: gauge('authservice_certificate_expiry_timestamp_seconds', 1 * day, about),
    quiet: gauge('authservice_certificate_expiry_timestamp_seconds', 10 * day, about),
  },
  'AuthServiceBackupFailed warning': {
    fires: {
      ...gauge('authservice_backup_last_schedule_timestamp_seconds', 3_600, about),
      ...gauge('authservice_backup_last_success_timestamp_seconds', 0, about),
    },
    quiet: {
      ...gauge('authservice_backup_last_schedule_timestamp_seconds', 3_600, about),
      ...gauge('authservice_backup_last_success_timestamp_seconds', 3_700, about),
    },
  },
  'AuthServiceOperatorDown critical': {
    fires: gauge('leader_election_master_status', 0, 'name="authservice-operator",pod="one"'),
    quiet: {
      ...gauge('leader_election_master_status', 0, 'name="authservice-operator",pod="one"'),
      ...gauge('leader_election_master_status', 1, 'name="authservice-operator",pod="two"'),
    },
    firesOnNothing: true,
  },
  'AuthServiceOperatorReconcileErrors warning': {
    fires: {
      'controller_runtime_reconcile_errors_total{controller="authservice"}': '0+2x600',
      'controller_runtime_reconcile_total{controller="authservice",result="success"}': '0+8x600',
      'controller_runtime_reconcile_total{controller="authservice",result="error"}': '0+2x600',
    },
    quiet: {
      'controller_runtime_reconcile_errors_total{controller="authservice"}': '0+1x600',
      'controller_runtime_reconcile_total{controller="authservice",result="success"}': '0+30x600',
      'controller_runtime_reconcile_total{controller="authservice",result="error"}': '0+1x600',
    },
  },
  'AuthServiceOperatorStuck warning': {
    fires: gauge('workqueue_longest_running_processor_seconds', 90, 'name="authservice"'),
    quiet: gauge('workqueue_longest_running_processor_seconds', 30, 'name="authservice"'),
  },
}
