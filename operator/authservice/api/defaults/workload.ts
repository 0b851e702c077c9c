import type { Preset } from '../presets.ts'
import type { Autoscaling, FixedScaling, ResolvedPod, ResolvedRollout } from '../resolved-spec.ts'
import type { AuthServiceSpec } from '../spec.ts'
import { orderedBounds } from './bounds.ts'

export function resolveScaling(spec: AuthServiceSpec, preset: Preset): FixedScaling | Autoscaling {
  const { enabled = preset.autoscaling.enabled, minReplicas, maxReplicas, ...rest } = spec.autoscaling ?? {}
  if (!enabled) return { kind: 'fixed', replicas: spec.replicas ?? preset.replicas }

  const bounds = orderedBounds(minReplicas, maxReplicas, preset.autoscaling.minReplicas, preset.autoscaling.maxReplicas)
  return {
    kind: 'autoscaled',
    minReplicas: bounds.low,
    maxReplicas: bounds.high,
    targetCPUUtilizationPercentage:
      rest.targetCPUUtilizationPercentage ?? preset.autoscaling.targetCPUUtilizationPercentage,
    behavior: rest.behavior,
  }
}

export function resolveRollout(rollout: AuthServiceSpec['rollout'], preset: Preset['rollout']): ResolvedRollout {
  return {
    ...preset,
    ...rollout,
    rollingUpdate: { ...preset.rollingUpdate, ...rollout?.rollingUpdate },
    blueGreen: { ...preset.blueGreen, previewHost: undefined, ...rollout?.blueGreen },
    smokeTest: { ...preset.smokeTest, ...rollout?.smokeTest },
    analysis: { ...preset.analysis, prometheus: undefined, ...rollout?.analysis },
  }
}

export function resolvePod(pod: AuthServiceSpec['pod'], preset: Preset['pod']): ResolvedPod {
  return {
    labels: pod?.labels ?? {},
    annotations: pod?.annotations ?? {},
    nodeSelector: pod?.nodeSelector ?? {},
    tolerations: pod?.tolerations ?? [],
    affinity: pod?.affinity,
    topologySpreadConstraints: pod?.topologySpreadConstraints,
    priorityClassName: pod?.priorityClassName,
    serviceAccountName: pod?.serviceAccountName,
    terminationGracePeriodSeconds: pod?.terminationGracePeriodSeconds ?? preset.terminationGracePeriodSeconds,
  }
}
