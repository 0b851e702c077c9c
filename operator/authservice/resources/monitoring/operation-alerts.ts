import type { Alert } from './alert.ts'

const day = 86_400

/** Thresholds of the alerts about times. */
const dates = {
  overdueRotationSeconds: 3_600,
  /** Certificates of public CAs are usually renewed 30 days before they expire. */
  certificateWarningSeconds: 14 * day,
  certificateCriticalSeconds: 2 * day,
} as const

/** Alerts about the metrics of the operator for one AuthService. */
export function operationAlerts({ namespace, name }: { namespace: string; name: string }): Alert[] {
  const about = `namespace="${namespace}",name="${name}"`
  const who = `AuthService ${namespace}/${name}`
  const certificateEnds = `authservice_certificate_expiry_timestamp_seconds{${about}} - time()`
  return [
    {
      name: 'AuthServiceNotReady',
      severity: 'warning',
      expression: `max(authservice_ready{${about}}) == 0`,
      holdsFor: '15m',
      summary: `${who} has not been Ready for 15 minutes.`,
    },
    {
      name: 'AuthServiceRolloutFailed',
      severity: 'warning',
      // Until a rollout succeeds: the last good revision serves, and not the one that the spec asks for.
      expression: `max by (outcome) (authservice_rollout_last_outcome{${about},outcome=~"RolledBack|DeadlineExceeded"}) == 1`,
      holdsFor: '1m',
      summary: `The last rollout of ${who} failed ({{ $labels.outcome }}). The previous revision serves.`,
    },
    {
      name: 'AuthServiceKeyRotationOverdue',
      severity: 'warning',
      expression: `time() - max(authservice_secret_rotation_timestamp_seconds{${about},state="next"}) > ${dates.overdueRotationSeconds}`,
      holdsFor: '15m',
      summary: `The signing key of ${who} should have been replaced {{ $value | humanizeDuration }} ago.`,
    },
    {
      name: 'AuthServiceCertificateExpires',
      severity: 'warning',
      expression: `min(${certificateEnds}) < ${dates.certificateWarningSeconds} > ${dates.certificateCriticalSeconds}`,
      holdsFor: '1h',
      summary: `The certificate of ${who} expires in {{ $value | humanizeDuration }}.`,
    },
    {
      name: 'AuthServiceCertificateExpires',
      severity: 'critical',
      expression: `min(${certificateEnds}) <= ${dates.certificateCriticalSeconds}`,
      holdsFor: '10m',
      summary: `The certificate of ${who} expires in {{ $value | humanizeDuration }}.`,
    },
    {
      name: 'AuthServiceBackupFailed',
      severity: 'warning',
      expression: `max(authservice_backup_last_schedule_timestamp_seconds{${about}}) > max(authservice_backup_last_success_timestamp_seconds{${about}})`,
      // A backup of a large database may take time; the Job fails after six hours.
      holdsFor: '7h',
      summary: `The last scheduled backup of ${who} has not succeeded.`,
    },
  ]
}

/** Alerts about the operator itself, once for each installation. */
export const operatorAlerts: readonly Alert[] = [
  {
    name: 'AuthServiceOperatorDown',
    severity: 'critical',
    expression: 'absent(leader_election_master_status{name="authservice-operator"} == 1)',
    holdsFor: '5m',
    summary: 'No AuthService operator holds the leader Lease: nothing is repaired, rotated or rolled out.',
  },
  {
    name: 'AuthServiceOperatorReconcileErrors',
    severity: 'warning',
    expression:
      'sum(rate(controller_runtime_reconcile_errors_total{controller="authservice"}[10m])) / sum(rate(controller_runtime_reconcile_total{controller="authservice"}[10m])) > 0.1',
    holdsFor: '15m',
    summary: '{{ $value | humanizePercentage }} of the reconciles of the AuthService operator fail.',
  },
  {
    name: 'AuthServiceOperatorStuck',
    severity: 'warning',
    expression: 'max(workqueue_longest_running_processor_seconds{name="authservice"}) > 60',
    // After 4 minutes, the liveness probe restarts the operator.
    holdsFor: '2m',
    summary: 'A reconcile of the AuthService operator has been running for {{ $value | humanizeDuration }}.',
  },
]
