import type { Availability } from '../kube/optional-kinds.ts'
import type { ResolvedMonitoring } from './api/resolved-spec.ts'
import type { Finding } from './finding.ts'
import type { Availabilities } from './kinds.ts'

/** Which children of monitoring are made. */
export interface WantedMonitoring {
  podMonitor: boolean
  prometheusRule: boolean
  dashboard: boolean
}

/** What the cluster has of the Prometheus operator. */
type MonitoringKinds = Pick<Availabilities, 'podMonitor' | 'prometheusRule'>

/**
 * `Auto` makes a child where the cluster has its kind. A dashboard is a ConfigMap, which every cluster has: it is made
 * where there is a Prometheus to look at.
 */
export function wantedMonitoring(asked: ResolvedMonitoring, kinds: MonitoringKinds): WantedMonitoring {
  const isThere = (kind: Availability) => kind === 'available'
  return {
    podMonitor: asked.podMonitor !== 'Disabled' && isThere(kinds.podMonitor),
    prometheusRule: asked.prometheusRule !== 'Disabled' && isThere(kinds.prometheusRule),
    dashboard: asked.dashboard === 'Enabled' || (asked.dashboard === 'Auto' && isThere(kinds.podMonitor)),
  }
}

/** What is asked for in vain. The server serves all the same, so it is said and nothing stops. */
export function findMissingMonitoring(asked: ResolvedMonitoring, kinds: MonitoringKinds): Finding[] {
  const children = [
    { field: 'podMonitor', kind: 'PodMonitor', plural: 'podmonitors' },
    { field: 'prometheusRule', kind: 'PrometheusRule', plural: 'prometheusrules' },
  ] as const
  return children.flatMap(({ field, kind, plural }) => {
    if (asked[field] !== 'Enabled' || kinds[field] === 'available') return []
    const message =
      kinds[field] === 'absent'
        ? `spec.monitoring.${field} is Enabled, and the cluster has no ${kind}: install the Prometheus operator, or write Auto.`
        : `spec.monitoring.${field} is Enabled, and the operator may not use ${plural}.monitoring.coreos.com: apply manifests/base again, or write Auto.`
    return [{ kind: 'note', condition: 'ProductionReady', reason: 'KindMissing', message }]
  })
}

/** What keeps people from seeing and being told; undefined: nothing. */
export function openDashboards({ podMonitor, prometheusRule, dashboard }: WantedMonitoring): string | undefined {
  const missing = [
    ...(podMonitor ? [] : ['PodMonitor']),
    ...(prometheusRule ? [] : ['PrometheusRule']),
    ...(dashboard ? [] : ['dashboard']),
  ]
  if (missing.length === 0) return undefined
  return `install the Prometheus operator and leave monitoring at Auto: there is no ${missing.join(', no ')}`
}
