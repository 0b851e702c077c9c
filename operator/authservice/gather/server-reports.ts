import Type from 'typebox'
import Value from 'typebox/value'
import type { DependencyReport, ServerReport } from '../model/observed-objects.ts'
import { serverPorts } from '../resources/server/server-environment.ts'
import { PodPoller, type PollHistory } from './pod-poller.ts'
import { podUrl } from './pod-url.ts'

const DependencySchema = Type.Object({ up: Type.Boolean(), failure: Type.Optional(Type.String()) })
const ReportSchema = Type.Object({
  problems: Type.Array(Type.String(), { maxItems: 32 }),
  mongodb: DependencySchema,
  redis: DependencySchema,
  usersHaveSecondFactors: Type.Optional(Type.Boolean()),
  usersHavePasskeys: Type.Optional(Type.Boolean()),
})

export interface ServerReportsOptions {
  /** The page of a pod; undefined if the pod does not answer. */
  read: (url: string) => Promise<string | undefined>
  /** Called with the AuthService when the report of one of its pods changes. */
  onNews: (key: string) => void
  /** Delay between two requests to a pod that reports a problem or is starting, and to any other pod. */
  pauseMilliseconds?: { watchful: number; calm: number }
  random?: () => number
}

const defaultPause = { watchful: 5_000, calm: 30_000 }
/** The maximum delay: a pod with an older image never answers. */
const longestMilliseconds = 300_000
/** Number of requests to a starting pod before the delays increase: they take about a minute. */
const roundsOfAStart = 12
/** The rest of a longer message is redundant, or the message is not ours. */
const longestText = 300

/**
 * Polls the server pods for their problems and for whether they can reach the databases: readiness does not depend on
 * the databases, so no object in the cluster changes when a database becomes unavailable.
 */
export function createServerPoller(options: ServerReportsOptions): PodPoller<ServerReport> {
  const { read, onNews, pauseMilliseconds = defaultPause, random } = options
  return new PodPoller<ServerReport>({
    ask: async ({ address }) => {
      const text = await read(podUrl(address, serverPorts.observability, '/status'))
      return text === undefined ? undefined : parse(text)
    },
    pauseAfter: (history) => pauseAfter(history, pauseMilliseconds),
    newsOf: (report) => report,
    onNews,
    ...(random !== undefined && { random }),
  })
}

function pauseAfter(
  { report, silentRounds, hasAnswered }: PollHistory<ServerReport>,
  { watchful, calm }: { watchful: number; calm: number },
): number {
  if (report !== undefined) return isGood(report) ? calm : watchful
  if (silentRounds < roundsOfAStart) return watchful
  if (hasAnswered) return calm
  return Math.min(watchful * 2 ** (silentRounds - roundsOfAStart + 1), longestMilliseconds)
}

function isGood({ problems, mongodb, redis }: ServerReport): boolean {
  return problems.length === 0 && mongodb.up && redis.up
}

/** Another program may have this address, and may answer anything. */
function parse(text: string): ServerReport | undefined {
  try {
    const json: unknown = JSON.parse(text)
    if (!Value.Check(ReportSchema, json)) return undefined
    const { problems, mongodb, redis, usersHaveSecondFactors, usersHavePasskeys } = json
    return {
      problems: problems.map(shorten),
      mongodb: dependency(mongodb),
      redis: dependency(redis),
      ...(usersHaveSecondFactors !== undefined && { usersHaveSecondFactors }),
      ...(usersHavePasskeys !== undefined && { usersHavePasskeys }),
    }
  } catch {
    return undefined
  }
}

function dependency({ up, failure }: DependencyReport): DependencyReport {
  return { up, ...(failure !== undefined && { failure: shorten(failure) }) }
}

function shorten(text: string): string {
  return text.length <= longestText ? text : `${text.slice(0, longestText - 1)}…`
}
