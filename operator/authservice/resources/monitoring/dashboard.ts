import { createHash } from 'node:crypto'
import { metadataOf } from '../metadata.ts'
import type { Child, RenderInput } from '../render-input.ts'
import { type Panel, panelsOf } from './panels.ts'

/** Grafana draws on a grid of 24 columns. */
const panelSize = { w: 8, h: 8 } as const
const columns = 24 / panelSize.w

/** Whichever Prometheus the viewer picks. */
const datasource = { type: 'prometheus', uid: '$datasource' }

/** @see https://github.com/grafana/helm-charts/tree/main/charts/grafana#sidecar-for-dashboards for the label */
export function renderDashboard(input: RenderInput): Child {
  const metadata = metadataOf(input, `${input.owner.name}-dashboard`)
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { ...metadata, labels: { ...metadata.labels, grafana_dashboard: '1' } },
    data: { [`${input.owner.namespace}-${input.owner.name}.json`]: JSON.stringify(dashboardOf(input.owner)) },
  }
}

/** @see https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/ */
export function dashboardOf({ namespace, name }: { namespace: string; name: string }) {
  return {
    // At most 40 characters, and the same for the same AuthService: links stay valid.
    uid: `authservice-${createHash('sha256').update(`${namespace}/${name}`).digest('hex').slice(0, 16)}`,
    title: `AuthService ${namespace}/${name}`,
    tags: ['authservice'],
    schemaVersion: 39,
    editable: false,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Prometheus' }] },
    panels: panelsOf({ namespace, name }).map(place),
  }
}

function place({ title, description, unit, limit, queries }: Panel, index: number) {
  const steps = [{ color: 'green', value: null }, ...(limit === undefined ? [] : [{ color: 'red', value: limit }])]
  return {
    id: index + 1,
    type: 'timeseries',
    title,
    description,
    datasource,
    gridPos: { ...panelSize, x: (index % columns) * panelSize.w, y: Math.floor(index / columns) * panelSize.h },
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        thresholds: { mode: 'absolute', steps },
        custom: { thresholdsStyle: { mode: limit === undefined ? 'off' : 'line' } },
      },
      overrides: [],
    },
    targets: queries.map(({ expression, legend }, position) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + position),
      datasource,
      expr: expression,
      legendFormat: legend,
    })),
  }
}
