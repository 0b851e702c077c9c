import { createHash } from 'node:crypto'
import { metadataOf } from '../../model/labels.ts'
import type { Child, RenderInput } from '../render-input.ts'
import { marksOf } from './operation-panels.ts'
import { operatorPanels } from './operator-panels.ts'
import type { Panel } from './panel.ts'
import { panelsOf } from './panels.ts'

/** The grid of Grafana has 24 columns. */
const panelSize = { w: 8, h: 8 } as const
const columns = 24 / panelSize.w

/** The Prometheus that the viewer selects. */
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

function dashboardOf({ namespace, name }: { namespace: string; name: string }) {
  return grafanaDashboard({
    identity: `${namespace}/${name}`,
    title: `AuthService ${namespace}/${name}`,
    marks: marksOf({ namespace, name }),
    panels: panelsOf({ namespace, name }),
  })
}

/** The dashboard of the operator, once for each installation. */
export function operatorDashboard() {
  return grafanaDashboard({ identity: 'operator', title: 'AuthService operator', marks: [], panels: operatorPanels })
}

/** @see https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/ */
function grafanaDashboard({
  identity,
  title,
  marks,
  panels,
}: {
  /** What the dashboard is about; links to it stay valid while it stays. */
  identity: string
  title: string
  marks: ReturnType<typeof marksOf>
  panels: readonly Panel[]
}) {
  return {
    // At most 40 characters.
    uid: `authservice-${createHash('sha256').update(identity).digest('hex').slice(0, 16)}`,
    title,
    tags: ['authservice'],
    schemaVersion: 39,
    editable: false,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Prometheus' }] },
    annotations: { list: marks.map(markOf) },
    panels: panels.map(place),
  }
}

/** @see https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/annotate-visualizations/ */
function markOf({ title, expression }: { title: string; expression: string }) {
  return {
    name: title,
    datasource,
    enable: true,
    iconColor: 'blue',
    expr: expression,
    step: '30s',
    titleFormat: title,
    textFormat: '{{version}}{{phase}}',
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
