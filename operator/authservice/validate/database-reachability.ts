import type { ConditionUpdate } from '../model/condition.ts'
import type { Finding } from '../model/finding.ts'
import type { Snapshot } from '../model/snapshot.ts'

const databases = {
  mongodb: {
    type: 'MongoDBReady',
    reason: 'MongoDBUnreachable',
    name: 'MongoDB',
    effect: 'logins fail, but servers still verify tokens',
  },
  redis: {
    type: 'RedisReady',
    reason: 'RedisUnreachable',
    name: 'Redis',
    effect: 'each server counts limits on its own',
  },
} as const

export type Database = keyof typeof databases

/**
 * The condition of a database that no server pod of one Deployment can reach.
 *
 * @param deployment the Deployment with the traffic: the other one may use another database
 * @returns undefined if a pod reaches the database, or if no pod has reported yet
 */
export function unreachableDatabase(
  database: Database,
  { serverReports }: Pick<Snapshot, 'serverReports'>,
  deployment: string,
): ConditionUpdate | undefined {
  const reports = [...serverReports].filter(([pod]) => pod.startsWith(`${deployment}-`))
  if (reports.length === 0 || reports.some(([, report]) => report[database].up)) return undefined
  const { type, reason, name, effect } = databases[database]
  const [pod, failure] = reports
    .map(([pod, report]) => [pod, report[database].failure] as const)
    .find(([, why]) => why !== undefined) ?? ['', undefined]
  const because = failure === undefined ? '' : ` (pod ${pod}: ${failure})`
  return { type, status: 'False', reason, message: `No server pod reaches ${name}${because}: ${effect}.` }
}

/** Server pods that cannot reach a database that other server pods can reach. */
export function findUnreachableDatabases({ serverReports }: Pick<Snapshot, 'serverReports'>): Finding[] {
  return (['mongodb', 'redis'] as const).flatMap((database) => {
    const { type, reason, name } = databases[database]
    const unreached = [...serverReports].filter(([, report]) => !report[database].up)
    const [first] = unreached
    if (first === undefined || unreached.length === serverReports.size) return []
    const [pod, report] = first
    const failure = report[database].failure ?? 'no reason given'
    const message = `${unreached.length} of ${serverReports.size} server pods cannot reach ${name} (pod ${pod}: ${failure}).`
    return [{ kind: 'warning', condition: type, reason, message }]
  })
}
