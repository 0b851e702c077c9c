import { PodPoller } from './pod-poller.ts'
import { podUrl } from './pod-url.ts'

/** Report of an Nginx pod of the edge about its configuration. */
export interface EdgeReport {
  isLoaded: boolean
  /** Why it rejects the configuration, in the words of Nginx; undefined: it accepts it. */
  refusal: string | undefined
}

export interface EdgeReportsOptions {
  /** The page of a pod; undefined if the pod does not answer. */
  read: (url: string) => Promise<string | undefined>
  /** Called with the AuthService when a pod starts or stops rejecting its configuration. */
  onNews: (key: string) => void
  /** Port of the page. */
  port: number
  /** The first delay between two requests to a pod; each further delay is twice as long. */
  pauseMilliseconds?: { first: number; longest: number }
  random?: () => number
}

const defaultPause = { first: 5_000, longest: 60_000 }
/** After this number of consecutive requests without an answer, the pod is no longer polled. */
const mostSilentRounds = 12

/**
 * Polls edge pods until they have loaded a configuration, which takes a pod about a minute. The subject is the content
 * of the configuration; a pod that has loaded it is no longer polled.
 */
export function createEdgePoller(options: EdgeReportsOptions): PodPoller<EdgeReport> {
  const { read, port, onNews, pauseMilliseconds = defaultPause, random } = options
  return new PodPoller<EdgeReport>({
    ask: async ({ address }, content) => {
      const text = await read(podUrl(address, port, '/configuration'))
      return text === undefined ? undefined : parse(text, content)
    },
    pauseAfter: ({ report, rounds, silentRounds }) => {
      if (report?.isLoaded === true || silentRounds >= mostSilentRounds) return undefined
      return Math.min(pauseMilliseconds.first * 2 ** rounds, pauseMilliseconds.longest)
    },
    newsOf: ({ refusal }) => refusal,
    onNews,
    ...(random !== undefined && { random }),
  })
}

/** Why a pod rejects the configuration; undefined: no pod is known to reject it. */
export function refusalIn(reports: ReadonlyMap<string, EdgeReport>): string | undefined {
  for (const [pod, { refusal }] of reports) {
    if (refusal !== undefined) return `pod ${pod} refuses its configuration: ${refusal}`
  }
  return undefined
}

/** Another program may have this address, and may answer anything. */
function parse(text: string, wanted: string): EdgeReport | undefined {
  try {
    const { content, refused, problem } = JSON.parse(text)
    const refusal = refused === wanted ? String(problem).slice(0, 500) : undefined
    return { isLoaded: content === wanted && refusal === undefined, refusal }
  } catch {
    return undefined
  }
}
