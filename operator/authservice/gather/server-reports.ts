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
  oidcClients: Type.Optional(Type.Union([Type.Null(), Type.String({ pattern: '^[0-9a-f]{64}$' })])),
})

export interface ServerReportsOptions {
  /** The page of a pod; undefined if the pod does not answer. */
  read: (url: string) => Promise<string | undefined>
  /** Called with the AuthService when the report of one of its pods changes. */
  onNews: (key: string) => void
  /**
   * Delay between two requests to a pod that has not loaded the wanted clients, to one that reports a problem or is
   * starting, and to any other pod.
   */
  pauseMilliseconds?: Pauses
  random?: () => number
}

interface Pauses {
  eager: number
  watchful: number
  calm: number
}

const defaultPause: Pauses = { eager: 1_000, watchful: 5_000, calm: 30_000 }
/** Number of eager requests to a pod: they take about two minutes, in which the kubelet shows a changed Secret. */
const eagerRounds = 160
/** The maximum delay: a pod with an older image never answers. */
const longestMilliseconds = 300_000
/** Number of requests to a starting pod before the delays increase: they take about a minute. */
const roundsOfAStart = 12
/** The rest of a longer message is redundant, or the message is not ours. */
const longestText = 300

/**
 * Polls the server pods for their problems, for whether they can reach the databases, and for the OpenID clients that
 * they have loaded: no object in the cluster changes when a database becomes unavailable, or when a server reloads a
 * file. The subject is the revision of the file of clients that they should have; empty: none.
 */
export function createServerPoller(options: ServerReportsOptions): PodPoller<ServerReport> {
  const { read, onNews, pauseMilliseconds = defaultPause, random } = options
  return new PodPoller<ServerReport>({
    ask: async ({ address }) => {
      const text = await read(podUrl(address, serverPorts.observability, '/status'))
      return text === undefined ? undefined : parse(text)
    },
    pauseAfter: (history, wantedClients) => pauseAfter(history, wantedClients, pauseMilliseconds),
    keep: withoutClients,
    newsOf: (report) => report,
    onNews,
    ...(random !== undefined && { random }),
  })
}

function pauseAfter(
  { report, rounds, silentRounds, hasAnswered }: PollHistory<ServerReport>,
  wantedClients: string,
  { eager, watchful, calm }: Pauses,
): number {
  const loaded = report?.oidcClients
  const isLoading = rounds === 0 ? loaded === undefined : typeof loaded === 'string' && loaded !== wantedClients
  if (report !== undefined && wantedClients !== '' && isLoading && rounds < eagerRounds) return eager
  if (report !== undefined) return isGood(report) ? calm : watchful
  if (silentRounds < roundsOfAStart) return watchful
  if (hasAnswered) return calm
  return Math.min(watchful * 2 ** (silentRounds - roundsOfAStart + 1), longestMilliseconds)
}

/** A file that returns has the revision that a server has reported before: only what it reports now counts. */
function withoutClients(report: ServerReport): ServerReport {
  if (typeof report.oidcClients !== 'string') return report
  const { oidcClients: _, ...rest } = report
  return rest
}

function isGood({ problems, mongodb, redis }: ServerReport): boolean {
  return problems.length === 0 && mongodb.up && redis.up
}

/** Another program may have this address, and may answer anything. */
function parse(text: string): ServerReport | undefined {
  try {
    const json: unknown = JSON.parse(text)
    if (!Value.Check(ReportSchema, json)) return undefined
    const { problems, mongodb, redis, usersHaveSecondFactors, usersHavePasskeys, oidcClients } = json
    return {
      problems: problems.map(shorten),
      mongodb: dependency(mongodb),
      redis: dependency(redis),
      ...(usersHaveSecondFactors !== undefined && { usersHaveSecondFactors }),
      ...(usersHavePasskeys !== undefined && { usersHavePasskeys }),
      ...(oidcClients !== undefined && { oidcClients }),
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
