/** The pod template of a server, the same for both colours. */
export interface PodTemplate {
  metadata: { labels: Record<string, string>; annotations?: Record<string, string> }
  spec: object
}

/** A revision that must be kept. */
export interface KeptRevision {
  revision: string
  number: number
  image: string
  template: PodTemplate
}
