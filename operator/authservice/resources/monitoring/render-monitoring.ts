import type { Child, RenderInput } from '../render-input.ts'
import { renderDashboard } from './dashboard.ts'
import { renderPodMonitor } from './pod-monitor.ts'
import { renderPrometheusRule } from './prometheus-rule.ts'

/** The objects for Prometheus and Grafana that the spec requires and the cluster supports. */
export function renderMonitoring(input: RenderInput): Child[] {
  const { podMonitor, prometheusRule, dashboard } = input.monitoring
  return [
    ...(podMonitor ? [renderPodMonitor(input)] : []),
    ...(prometheusRule ? [renderPrometheusRule(input)] : []),
    ...(dashboard ? [renderDashboard(input)] : []),
  ]
}
