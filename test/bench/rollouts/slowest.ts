import type { Cluster } from '../../cluster/cluster.ts'
import { logsOf, podSelector } from './bench-service.ts'
import type { Answered, Tally } from './tally.ts'

/** A verification that took long, and where the time went, as far as pods that still exist have logged it. */
export interface SlowAnswer {
  at: string
  connection: string
  during: string
  milliseconds: number
  /** Until the client sent it. */
  sentAfter: number
  /** What the edge needed for the answer, and its server of that, in milliseconds. */
  edge?: number
  upstream?: string
  /** What the server itself counted. */
  server?: number
  /** That answered. */
  pod?: string
}

interface EdgeLine {
  request_id: string
  seconds: number
  upstream: string
  upstream_seconds: string
}
interface ServerLine {
  reqId: string
  durationMs: number
}

/** The slowest verifications of a scenario with what the logs of the edge and of the servers say of them. */
export async function showSlowest(scenario: string, { slowest }: Tally, cluster: Cluster, since: Date): Promise<void> {
  const [edge, server] = await Promise.all([
    // Each line begins with `[pod/NAME/CONTAINER]`.
    logsOf(cluster, podSelector('edge'), since, '--prefix'),
    logsOf(cluster, podSelector('server'), since, '--prefix'),
  ])
  const ids = new Set(slowest.map(({ requestId }) => requestId))
  const edgeLines = linesOf<EdgeLine>(edge, ({ request_id }) => request_id, ids)
  const serverLines = linesOf<ServerLine>(server, ({ reqId }) => reqId, ids)
  for (const answer of slowest) {
    const seen = slowAnswer(answer, edgeLines.get(answer.requestId), serverLines.get(answer.requestId))
    console.log(`${scenario} slow ${JSON.stringify(seen)}`)
  }
}

interface Logged<Line> {
  pod: string
  line: Line
}

export function slowAnswer(
  { at, connection, during, milliseconds, sentAfter }: Answered,
  edge: Logged<EdgeLine> | undefined,
  server: Logged<ServerLine> | undefined,
): SlowAnswer {
  return {
    ...{ at, connection, during, milliseconds: Math.round(milliseconds), sentAfter: Math.round(sentAfter) },
    ...(edge !== undefined && {
      edge: Math.round(edge.line.seconds * 1000),
      upstream: `${edge.line.upstream}: ${edge.line.upstream_seconds} s`,
    }),
    ...(server !== undefined && { server: server.line.durationMs, pod: server.pod }),
  }
}

/** @returns by their request id, those that are asked for */
export function linesOf<Line>(
  log: string,
  idOf: (line: Line) => string,
  ids: ReadonlySet<string>,
): Map<string, Logged<Line>> {
  const lines = new Map<string, Logged<Line>>()
  for (const text of log.split('\n')) {
    const [, pod = '', json] = /^\[pod\/([^/]+)\/[^\]]+\] (\{.*)$/.exec(text) ?? []
    if (json === undefined || !json.includes('"bench-')) continue
    const line: Line = JSON.parse(json)
    if (ids.has(idOf(line))) lines.set(idOf(line), { pod, line })
  }
  return lines
}
