import type { ResolvedSpec } from '../../api/resolved-spec.ts'
import type { AuthServiceStatus } from '../../api/schema.ts'
import { revisionLabel } from '../../model/labels.ts'
import { podsOf, type Snapshot } from '../../model/snapshot.ts'
import type { AnalysisResult, DatabaseName } from '../decide/observation.ts'
import { isInProgress } from '../decide/phases.ts'
import { parseRolloutStatus } from '../rollout-status.ts'
import { sumTraffic, unavailableDatabases } from './pod-metrics.ts'
import { fillIn, judgeByQuery } from './prometheus.ts'
import { forgiveOutage, judgeTraffic, type RestartedPod } from './verdict.ts'

/**
 * Whether the traffic of a revision is being analysed: after the switch of a blue-green rollout, and from the first pod
 * on in a rolling update.
 */
function isWatched(status: AuthServiceStatus | undefined, { rollout }: Pick<ResolvedSpec, 'rollout'>): boolean {
  const { phase, targetColor } = parseRolloutStatus(status)
  return rollout.analysis.enabled && (phase === 'Verifying' || (phase === 'Preparing' && targetColor === undefined))
}

/** Whether outages of databases matter now: they must not count against a revision in progress. */
export function isRolloutInProgress(status: AuthServiceStatus | undefined): boolean {
  return isInProgress(parseRolloutStatus(status).phase)
}

/**
 * Databases that neither servers of this revision nor servers of others can reach. Servers of this revision may not
 * have started. Without other servers, an outage cannot be distinguished from a wrong address.
 */
export function databasesUnavailableToAll(
  { serverMetrics, ...snapshot }: Pick<Snapshot, 'serverMetrics' | 'pods'>,
  revision: string,
): DatabaseName[] {
  const read = (isOwn: boolean) =>
    podsOf(snapshot, 'server')
      .filter(({ metadata }) => (metadata.labels?.[revisionLabel] === revision) === isOwn)
      .flatMap(({ metadata }) => serverMetrics?.get(metadata.name) ?? [])
  const [own, others] = [read(true), read(false)]
  const unavailable = unavailableDatabases(others)
  return own.length === 0 ? unavailable : unavailable.filter((name) => unavailableDatabases(own).includes(name))
}

/**
 * Metrics of the pods of the revision that is rolling out; undefined if no analysis needs them, or if no pod answers.
 */
export function watchTraffic({
  authService,
  resolved,
  serverMetrics,
  prometheus,
  ...snapshot
}: Snapshot): AnalysisResult | undefined {
  const { revision, analysis } = parseRolloutStatus(authService.status)
  if (revision === undefined || serverMetrics === undefined) return undefined
  const servers = podsOf(snapshot, 'server')
  const isOfRevision = ({ metadata }: Snapshot['pods'][number]) => metadata.labels?.[revisionLabel] === revision
  const read = (pods: Snapshot['pods']) => pods.flatMap(({ metadata }) => serverMetrics.get(metadata.name) ?? [])
  const pods = servers.filter(isOfRevision)
  const metrics = read(pods)
  const others = servers.filter((pod) => !isOfRevision(pod))
  const restarted = pods.flatMap(restartOf)
  const { analysis: limits } = resolved.rollout
  const { prometheus: check } = limits
  if (prometheus === undefined && metrics.length === 0 && restarted.length === 0) return undefined
  const judged =
    check !== undefined && prometheus !== undefined
      ? judgeByQuery(revision, prometheus, restarted, check)
      : judgeTraffic(revision, sumTraffic(metrics), restarted, limits, sumTraffic(read(others)))
  return forgiveOutage(judged, {
    now: databasesUnavailableToAll({ ...snapshot, serverMetrics }, revision),
    before: analysis?.hadOutage === true,
  })
}

/** The query that a reconcile sends to Prometheus; undefined: none. */
export function queryOf({ authService, resolved, pods }: Pick<Snapshot, 'authService' | 'resolved' | 'pods'>) {
  const { metadata, status } = authService
  const { revision } = parseRolloutStatus(status)
  const { prometheus } = resolved.rollout.analysis
  if (prometheus === undefined || revision === undefined || !isWatched(status, resolved)) return undefined
  const ofRevision = podsOf({ pods }, 'server').filter((pod) => pod.metadata.labels?.[revisionLabel] === revision)
  const { namespace, name } = metadata
  return fillIn(prometheus.query, { namespace, name, revision, pods: ofRevision.map((pod) => pod.metadata.name) })
}

function restartOf({ metadata, status }: Snapshot['pods'][number]): RestartedPod[] {
  // Containers that a mesh or an admission webhook injected say nothing about the revision.
  const own = (status?.containerStatuses ?? []).filter(({ name }) => name === 'server')
  return own.flatMap(({ restartCount = 0, lastState }) =>
    restartCount === 0
      ? []
      : [{ name: metadata.name, restarts: restartCount, reason: lastState?.terminated?.reason ?? 'Error' }],
  )
}
