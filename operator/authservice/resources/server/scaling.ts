import type { Color } from '../../model/colors.ts'
import { metadataOf, selectorOf } from '../../model/labels.ts'
import type { Child, RenderInput } from '../render-input.ts'
import { previewName, serverName } from './server.ts'

/** Scales the active colour, even while the operator is down. */
export function renderAutoscaler(input: RenderInput): Child[] {
  const { scaling } = input.resolved
  if (scaling.kind === 'fixed') return []
  const { minReplicas, maxReplicas, targetCPUUtilizationPercentage, behavior } = scaling
  return [
    {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: metadataOf(input, input.owner.name, 'server'),
      spec: {
        scaleTargetRef: {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          name: serverName(input, input.placement.activeColor),
        },
        minReplicas,
        maxReplicas,
        metrics: [
          // Only of this container: an injected container without a request would leave the autoscaler without a
          // metric.
          {
            type: 'ContainerResource',
            containerResource: {
              name: 'cpu',
              container: 'server',
              target: { type: 'Utilization', averageUtilization: targetCPUUtilizationPercentage },
            },
          },
        ],
        ...(behavior !== undefined && { behavior }),
      },
    },
  ]
}

/** A drain evicts one server pod at a time, and one edge pod at a time. */
export function renderDisruptionBudgets(input: RenderInput): Child[] {
  const { owner, resolved, placement } = input
  if (!resolved.traits.disruptionBudgets) return []
  const { activeColor, previewColor } = placement
  return [
    budget(owner.name, 'server', activeColor),
    ...(previewColor === undefined ? [] : [budget(previewName(input), 'server', previewColor)]),
    ...(resolved.ingress.type === 'Nginx' ? [budget(`${owner.name}-edge`, 'edge')] : []),
  ]

  function budget(name: string, component: 'server' | 'edge', color?: Color): Child {
    return {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: metadataOf(input, name, component),
      spec: {
        maxUnavailable: 1,
        // A pod that is not ready serves no client, so it does not block a drain.
        unhealthyPodEvictionPolicy: 'AlwaysAllow',
        selector: { matchLabels: selectorOf(owner.name, component, color) },
      },
    }
  }
}
