/** One graph, without its position. */
export interface Panel {
  title: string
  /** What the graph shows, and how to interpret it. */
  description: string
  /** Name of the unit in Grafana. */
  unit: 's' | 'dtdurations' | 'reqps' | 'percentunit' | 'bytes' | 'short'
  /** Threshold from which the graph is red; undefined: none. */
  limit?: number
  queries: { expression: string; legend: string }[]
}
