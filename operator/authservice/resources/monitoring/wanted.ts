import type { Availability } from '../../../kube/optional-kinds.ts'
import type { ResolvedMonitoring } from '../../api/resolved-spec.ts'
import type { Finding } from '../../model/finding.ts'
import type { Availabilities } from '../../model/kinds.ts'

/** Which monitoring children are created. */
export interface WantedMonitoring {
  podMonitor: boolean
  prometheusRule: boolean
  dashboard: boolean
}

/** Which kinds of the Prometheus operator the cluster has. */
type MonitoringKinds = Pick<Availabilities, 'podMonitor' | 'prometheusRule'>

/**
 * `Auto` creates a child if the cluster has its kind. A dashboard is a ConfigMap, a kind that every cluster has: it is
 * created if the cluster has PodMonitors.
 */
export function wantedMonitoring(asked: ResolvedMonitoring, kinds: MonitoringKinds): WantedMonitoring {
  const isThere = (kind: Availability) => kind === 'available'
  return {
    podMonitor: asked.podMonitor !== 'Disabled' && isThere(kinds.podMonitor),
    prometheusRule: asked.prometheusRule !== 'Disabled' && isThere(kinds.prometheusRule),
    dashboard: asked.dashboard === 'Enabled' || (asked.dashboard === 'Auto' && isThere(kinds.podMonitor)),
  }
}

/**
 * Children that the spec enables, but that cannot be created. The server runs regardless, so these are warnings that
 * block nothing.
 */
export function findMissingMonitoring(asked: ResolvedMonitoring, kinds: MonitoringKinds): Finding[] {
  const children = [
    { field: 'podMonitor', kind: 'PodMonitor', plural: 'podmonitors' },
    { field: 'prometheusRule', kind: 'PrometheusRule', plural: 'prometheusrules' },
  ] as const
  return children.flatMap(({ field, kind, plural }) => {
    if (asked[field] !== 'Enabled' || kinds[field] === 'available') return []
    const message =
      kinds[field] === 'absent'
        ? `spec.monitoring.${field} is Enabled, but the cluster does not have the kind ${kind}: install the Prometheus operator, or write Auto.`
        : `spec.monitoring.${field} is Enabled, but the operator has no permission to use ${plural}.monitoring.coreos.com: apply manifests/base again, or write Auto.`
    return [{ kind: 'warning', condition: 'ProductionReady', reason: 'KindMissing', message }]
  })
}

/** What is missing for monitoring; undefined: nothing. */
export function openDashboards({ podMonitor, prometheusRule, dashboard }: WantedMonitoring): string | undefined {
  const missing = [
    ...(podMonitor ? [] : ['PodMonitor']),
    ...(prometheusRule ? [] : ['PrometheusRule']),
    ...(dashboard ? [] : ['dashboard']),
  ]
  if (missing.length === 0) return undefined
  return `install the Prometheus operator and leave monitoring at Auto: the cluster has no ${missing.join(', no ')}`
}
