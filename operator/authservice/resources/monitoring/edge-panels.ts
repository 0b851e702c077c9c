import { edgeSelector } from './edge-alerts.ts'
import type { Panel } from './panel.ts'
import { thresholds } from './server-alerts.ts'

/** The graphs of the Nginx edge. They have no data if `spec.ingress` has another type. */
export function edgePanels(subject: { namespace: string; name: string }): Panel[] {
  const edge = edgeSelector(subject)
  const answers = (more = '') => `sum(rate(edge_http_requests_total{${edge}${more}}[$__rate_interval]))`
  return [
    {
      title: 'Responses of the edge',
      description: 'Responses to clients by status, from servers and from the edge itself.',
      unit: 'reqps',
      queries: [
        {
          expression: `sum by (status) (rate(edge_http_requests_total{${edge}}[$__rate_interval]))`,
          legend: '{{status}}',
        },
      ],
    },
    {
      title: 'Errors of the edge',
      description: 'Share of responses to clients with a status of 500 or above.',
      unit: 'percentunit',
      limit: thresholds.errorRatio,
      queries: [{ expression: `${answers(',status=~"5.."')} / ${answers()}`, legend: 'errors' }],
    },
    {
      title: 'Connections at the edge',
      description: 'Share of the maximum number of connections of an edge pod.',
      unit: 'percentunit',
      limit: thresholds.connectionRatio,
      queries: [
        { expression: `max by (pod) (edge_connections{${edge}} / edge_connections_max{${edge}})`, legend: '{{pod}}' },
      ],
    },
  ]
}
