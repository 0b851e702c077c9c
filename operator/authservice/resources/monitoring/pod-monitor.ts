import { colorLabel, componentLabel, instanceSelectorOf, metadataOf } from '../../model/labels.ts'
import type { Child, RenderInput } from '../render-input.ts'

/**
 * Makes Prometheus scrape the server pods of both colours, and the edge pods. Rules and dashboard select server pods by
 * the label `authservice` and edge pods by `authservice_edge`, so that the `up` series of the two stay separate.
 * @see https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PodMonitor
 */
export function renderPodMonitor(input: RenderInput): Child {
  const { name } = input.owner
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PodMonitor',
    metadata: metadataOf(input, name, 'server'),
    spec: {
      selector: {
        matchLabels: instanceSelectorOf(name),
        matchExpressions: [{ key: componentLabel, operator: 'In', values: ['server', 'edge'] }],
      },
      podMetricsEndpoints: [
        {
          port: 'observability',
          path: '/metrics',
          interval: '15s',
          relabelings: [
            { targetLabel: 'authservice', replacement: name },
            { targetLabel: 'color', sourceLabels: [`__meta_kubernetes_pod_label_${sanitized(colorLabel)}`] },
          ],
        },
        // Pods without this port, such as server pods, have no target.
        {
          port: 'health',
          path: '/metrics',
          interval: '15s',
          relabelings: [{ targetLabel: 'authservice_edge', replacement: name }],
        },
      ],
    },
  }
}

/** The name of a Kubernetes label in Prometheus. */
function sanitized(label: string): string {
  return label.replace(/[^a-zA-Z0-9_]/g, '_')
}
