import { metadataOf, selectorOf } from './metadata.ts'
import type { Child, RenderInput } from './render-input.ts'
import { serverName } from './server.ts'

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
  const { owner, resolved } = input
  if (!resolved.traits.disruptionBudgets) return []
  const components = ['server', ...(resolved.ingress.type === 'Nginx' ? ['edge'] : [])] as ('server' | 'edge')[]
  return components.map((component) => ({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadataOf(input, component === 'server' ? owner.name : `${owner.name}-edge`, component),
    spec: { maxUnavailable: 1, selector: { matchLabels: selectorOf(owner.name, component) } },
  }))
}
