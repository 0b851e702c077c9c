import type { Panel } from './panel.ts'
import { podSelector, thresholds } from './server-alerts.ts'

/** The graphs of the AuthService as a whole: its pods, rollouts and secrets. */
export function operationPanels(subject: { namespace: string; name: string }): Panel[] {
  const [pods, about] = [podSelector(subject), operatorSelector(subject)]
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
