import type { ResolvedSpec } from '../api/resolved-spec.ts'
import type { AuthServiceStatus } from '../api/schema.ts'
import { revisionLabel } from '../resources/metadata.ts'
import { podsOf, type Snapshot } from '../snapshot.ts'
import { forgiveOutage, judgeTraffic, type RestartedPod } from './analysis.ts'
import { readMemory } from './memory.ts'
import { fillIn, judgeByQuery } from './prometheus.ts'
import { databasesAway, sumTraffic } from './traffic.ts'
import type { AnalysisResult } from './world.ts'

/**
 * Whether the traffic of a revision is being judged: after the switch of a blue-green rollout, and in a rolling update
 * from its first pod on.
 */
export function isWatched(status: AuthServiceStatus | undefined, { rollout }: Pick<ResolvedSpec, 'rollout'>): boolean {
  const { phase, targetColor } = readMemory(status)
  return rollout.analysis.enabled && (phase === 'Verifying' || (phase === 'Preparing' && targetColor === undefined))
}

/** What the pods of the revision that is under way say; undefined while nobody asks, or when none of them answers. */
export function watchTraffic({
  authService,
  resolved,
  serverMetrics,
  prometheus,
  ...snapshot
}: Snapshot): AnalysisResult | undefined {
  const { revision, analysis } = readMemory(authService.status)
  if (revision === undefined || serverMetrics === undefined) return undefined
  const servers = podsOf(snapshot, 'server')
  const isOfRevision = ({ metadata }: Snapshot['pods'][number]) => metadata.labels?.[revisionLabel] === revision
  const read = (pods: Snapshot['pods']) => pods.flatMap(({ metadata }) => serverMetrics.get(metadata.name) ?? [])
  const pods = servers.filter(isOfRevision)
  const metrics = read(pods)
  const restarted = pods.flatMap(restartOf)
  const { analysis: limits } = resolved.rollout
  const { prometheus: check } = limits
  if (prometheus === undefined && metrics.length === 0 && restarted.length === 0) return undefined
  const judged =
    check !== undefined && prometheus !== undefined
      ? judgeByQuery(revision, prometheus, restarted, check)
      : judgeTraffic(revision, sumTraffic(metrics), restarted, limits)
  const others = databasesAway(read(servers.filter((pod) => !isOfRevision(pod))))
  return forgiveOutage(judged, {
    now: databasesAway(metrics).filter((name) => others.includes(name)),
    before: analysis?.hadOutage === true,
  })
}

/** The query that a visit asks Prometheus; undefined when none is to be asked. */
export function queryOf({ authService, resolved, pods }: Pick<Snapshot, 'authService' | 'resolved' | 'pods'>) {
  const { metadata, status } = authService
  const { revision } = readMemory(status)
  const { prometheus } = resolved.rollout.analysis
  if (prometheus === undefined || revision === undefined || !isWatched(status, resolved)) return undefined
  const ofRevision = podsOf({ pods }, 'server').filter((pod) => pod.metadata.labels?.[revisionLabel] === revision)
  const { namespace, name } = metadata
  return fillIn(prometheus.query, { namespace, name, revision, pods: ofRevision.map((pod) => pod.metadata.name) })
}

function restartOf({ metadata, status }: Snapshot['pods'][number]): RestartedPod[] {
  return (status?.containerStatuses ?? []).flatMap(({ restartCount = 0, lastState }) =>
    restartCount === 0
      ? []
      : [{ name: metadata.name, restarts: restartCount, reason: lastState?.terminated?.reason ?? 'Error' }],
  )
}
