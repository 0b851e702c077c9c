import { colorLabel, metadataOf, selectorOf } from '../metadata.ts'
import type { Child, RenderInput } from '../render-input.ts'

/**
 * Has Prometheus scrape the server pods of both colours. Rules and dashboard select by the label `authservice` that it
 * puts on.
 * @see https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PodMonitor
 */
export function renderPodMonitor(input: RenderInput): Child {
  const { name } = input.owner
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PodMonitor',
    metadata: metadataOf(input, name, 'server'),
    spec: {
      selector: { matchLabels: selectorOf(name, 'server') },
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
      ],
    },
  }
}

/** As Prometheus writes the name of a Kubernetes label. */
function sanitized(label: string): string {
  return label.replace(/[^a-zA-Z0-9_]/g, '_')
}
