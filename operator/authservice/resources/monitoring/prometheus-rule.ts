import { metadataOf } from '../../model/labels.ts'
import { parseQuantity } from '../../model/quantity.ts'
import type { Child, RenderInput } from '../render-input.ts'
import { alertingRule } from './alert.ts'
import { edgeAlerts } from './edge-alerts.ts'
import { operationAlerts } from './operation-alerts.ts'
import { serverAlerts } from './server-alerts.ts'

/** @see https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PrometheusRule */
export function renderPrometheusRule(input: RenderInput): Child {
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: metadataOf(input, input.owner.name),
    spec: { groups: ruleGroups(input) },
  }
}

/** The rules in the format of a Prometheus rule file. */
export function ruleGroups({ owner, resolved }: Pick<RenderInput, 'owner' | 'resolved'>) {
  const { namespace, name } = owner
  const labels = { namespace, authservice: name }
  const requestedCores = parseQuantity(resolved.resources.requests.cpu ?? '') ?? 1
  return [
    {
      name: `authservice-${namespace}-${name}-server`,
      rules: serverAlerts({ namespace, name, requestedCores }).map((alert) => alertingRule(alert, labels)),
    },
    ...(resolved.ingress.type === 'Nginx'
      ? [
          {
            name: `authservice-${namespace}-${name}-edge`,
            rules: edgeAlerts({ namespace, name }).map((alert) => alertingRule(alert, labels)),
          },
        ]
      : []),
    {
      name: `authservice-${namespace}-${name}-operation`,
      rules: operationAlerts({ namespace, name }).map((alert) => alertingRule(alert, labels)),
    },
  ]
}
