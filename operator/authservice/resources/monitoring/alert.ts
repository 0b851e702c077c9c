/** URL of the runbook of an alert: meaning, impact, diagnosis and mitigation. */
const runbooks = 'https://github.com/authservice-operator/authservice-operator/blob/main/docs/runbooks'

/** How urgent the alert is. `critical`: act now, because users are affected. `warning`: act today. */
type Severity = 'critical' | 'warning'

export interface Alert {
  /** CamelCase, and the name of the runbook's file. */
  name: string
  severity: Severity
  /** PromQL; there is an alert for each series of the result. */
  expression: string
  /** Time for which the expression must hold, in the format of Prometheus. */
  holdsFor: string
  /** One sentence for the notification, with Prometheus templates. */
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
