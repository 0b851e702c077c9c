import { alertingRule } from '../../operator/authservice/resources/monitoring/alert.ts'
import { operatorAlerts } from '../../operator/authservice/resources/monitoring/operation-alerts.ts'

/** The alerts on the operator itself. Those on an AuthService are made by the operator, beside each of them. */
export function operatorRules() {
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'authservice-operator', namespace: 'authservice-system' },
    spec: {
      groups: [{ name: 'authservice-operator', rules: operatorAlerts.map((alert) => alertingRule(alert, {})) }],
    },
  }
}
