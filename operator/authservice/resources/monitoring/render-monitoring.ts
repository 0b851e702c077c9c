import type { Child, RenderInput } from '../render-input.ts'
import { renderDashboard } from './dashboard.ts'
import { renderPodMonitor } from './pod-monitor.ts'
import { renderPrometheusRule } from './prometheus-rule.ts'

/** What has Prometheus and Grafana watch the AuthService, as far as it is wanted and the cluster can. */
export function renderMonitoring(input: RenderInput): Child[] {
  const { podMonitor, prometheusRule, dashboard } = input.monitoring
  return [
    ...(podMonitor ? [renderPodMonitor(input)] : []),
    ...(prometheusRule ? [renderPrometheusRule(input)] : []),
    ...(dashboard ? [renderDashboard(input)] : []),
  ]
}
