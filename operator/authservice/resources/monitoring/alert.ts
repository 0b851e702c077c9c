/** Where the page of an alert is: what it means, what it does to users, how to find the cause, what to do. */
const runbooks = 'https://github.com/authservice-operator/authservice-operator/blob/main/docs/runbooks'

/** How fast somebody has to look. `critical`: now, users are turned away. `warning`: today. */
export type Severity = 'critical' | 'warning'

export interface Alert {
  /** CamelCase, and the name of the runbook's file. */
  name: string
  severity: Severity
  /** PromQL; the alert is about each series that it returns. */
  expression: string
  /** How long it must hold first, as Prometheus writes durations. */
  holdsFor: string
  /** One sentence for the pager, with Prometheus' templates. */
  summary: string
}

/** One alerting rule. @see https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/ */
export function alertingRule({ name, severity, expression, holdsFor, summary }: Alert, labels: Record<string, string>) {
  return {
    alert: name,
    expr: expression,
    for: holdsFor,
    labels: { severity, ...labels },
    annotations: { summary, runbook_url: `${runbooks}/${name}.md` },
  }
}
