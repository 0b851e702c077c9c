import { alertingRule } from '../../operator/authservice/resources/monitoring/alert.ts'
import { operatorDashboard } from '../../operator/authservice/resources/monitoring/dashboard.ts'
import { operatorAlerts } from '../../operator/authservice/resources/monitoring/operation-alerts.ts'

/** The alerts about the operator itself. The operator creates those about an AuthService next to each AuthService. */
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

/** Grafana's dashboard of the operator, as its sidecar loads it from a ConfigMap. */
export function operatorDashboardMap() {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'authservice-operator-dashboard',
      namespace: 'authservice-system',
      labels: { grafana_dashboard: '1' },
    },
    data: { 'authservice-operator.json': `${JSON.stringify(operatorDashboard(), null, 2)}\n` },
  }
}
