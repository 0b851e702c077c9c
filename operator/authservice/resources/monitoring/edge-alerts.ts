import type { Alert } from './alert.ts'
import { thresholds } from './server-alerts.ts'

/** Selects the edge pods of the PodMonitor. */
export function edgeSelector({ namespace, name }: { namespace: string; name: string }): string {
  return `namespace="${namespace}",authservice_edge="${name}"`
}

/**
 * Alerts about responses of the edge to clients, whether a server or the edge generated them. A server that cannot be
 * reached reports nothing.
 */
export function edgeAlerts(subject: { namespace: string; name: string }): Alert[] {
  const pods = edgeSelector(subject)
  const who = `AuthService ${subject.namespace}/${subject.name}`
  const answers = (more = '') => `sum(rate(edge_http_requests_total{${pods}${more}}[5m]))`
  return [
    {
      name: 'AuthServiceEdgeErrors',
      severity: 'critical',
      // Fewer than one in ten seconds may be a single client with unusual requests.
      expression: `${answers(',status=~"5.."')} / ${answers()} > ${thresholds.errorRatio} and ${answers(',status=~"5.."')} > 0.1`,
      holdsFor: '2m',
      summary: `{{ $value | humanizePercentage }} of the requests to the edge of ${who} fail.`,
    },
    {
      name: 'AuthServiceEdgeNearlyFull',
      severity: 'warning',
      expression: `max by (pod) (edge_connections{${pods}} / edge_connections_max{${pods}}) > ${thresholds.connectionRatio}`,
      holdsFor: '2m',
      summary: `Edge pod {{ $labels.pod }} of ${who} uses {{ $value | humanizePercentage }} of its connections.`,
    },
  ]
}
