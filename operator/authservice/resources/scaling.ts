import type { Color } from '../rollout/world.ts'
import { metadataOf, selectorOf } from './metadata.ts'
import type { Child, RenderInput } from './render-input.ts'
import { previewName, serverName } from './server.ts'

/** Scales the active colour, also while the operator is down. */
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
          {
            type: 'Resource',
            resource: {
              name: 'cpu',
              target: { type: 'Utilization', averageUtilization: targetCPUUtilizationPercentage },
            },
          },
        ],
        ...(behavior !== undefined && { behavior }),
      },
    },
  ]
}

/** A drain takes one pod at a time from the server, and one from the edge. */
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
        // A pod that is not ready serves nobody, so it holds up no drain.
        unhealthyPodEvictionPolicy: 'AlwaysAllow',
        selector: { matchLabels: selectorOf(owner.name, component, color) },
      },
    }
  }
}
