import type { ResolvedSpec } from '../api/resolved-spec.ts'
import type { Deployment } from '../model/deployment.ts'
import type { Finding } from '../model/finding.ts'
import { idOf, type Manifest } from '../model/manifest.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { secretNames } from '../secrets/names.ts'

/** What remains of managed databases that the spec no longer requires. */
export interface UnusedDatabases {
  /** Names of databases that continue to run because server pods may use them, such as `accounts-redis`. */
  running: string[]
  /** Children that are neither desired nor pruned, by `idOf`. */
  kept: ReadonlySet<string>
}

type Input = Pick<Snapshot, 'authService' | 'resolved' | 'children' | 'keptVolume'>

/**
 * A database that the spec no longer requires runs until no server pod uses it. A switch therefore fails no request,
 * and after a switch to an unreachable database, the old pods still have their data. The passwords of a MongoDB are
 * kept as long as its volume.
 */
export function findUnusedDatabases({ authService, resolved, children, keptVolume }: Input): UnusedDatabases {
  const { name } = authService.metadata
  const names = secretNames(name)
  const servers = children.filter((child) => isServer(child, name))
  const running = switchedAway(name, resolved).filter(
    (database) =>
      children.some((child) => child.kind === 'StatefulSet' && child.metadata.name === database) &&
      servers.some((server) => mayUse(server, database)),
  )
  const kept = children.filter(
    ({ kind, metadata }) =>
      running.includes(metadata.name) ||
      (kind === 'Secret' && metadata.name === names.mongodb && keptVolume !== undefined),
  )
  return { running, kept: new Set(kept.map(idOf)) }
}

/** Names that the database would have if the spec required it: StatefulSet, Service and Secret have the same name. */
function switchedAway(name: string, { mongodb, redis }: ResolvedSpec): string[] {
  return [
    ...(mongodb.source.kind === 'external' ? [`${name}-mongodb`] : []),
    ...(redis.kind === 'external' ? [`${name}-redis`] : []),
  ]
}

function isServer({ kind, metadata }: Manifest, name: string): boolean {
  return kind === 'Deployment' && (metadata.name === `${name}-blue` || metadata.name === `${name}-green`)
}

/**
 * Whether a pod of the Deployment may use the database, by its template or by an earlier template that still has pods.
 */
function mayUse(server: Manifest, secretName: string): boolean {
  // The Kubernetes API defines this shape for the kind Deployment.
  const { metadata, spec = {}, status = {} } = server as Deployment
  const pods = status.replicas ?? 0
  const mounts = spec.template?.spec?.volumes?.some(({ secret }) => secret?.secretName === secretName) === true
  if (mounts) return (spec.replicas ?? 1) > 0 || pods > 0
  const isTakenUp = (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)
  return !isTakenUp || pods > (status.updatedReplicas ?? 0)
}

/** Information for the user about data that a switch leaves behind. */
export function unusedDatabaseFindings({ running }: UnusedDatabases, { authService, keptVolume }: Input): Finding[] {
  const { name } = authService.metadata
  const warning = (condition: Finding['condition'], message: string): Finding => ({
    kind: 'warning',
    condition,
    reason: 'External',
    message,
  })
  return [
    ...running.map((database) =>
      warning(
        database.endsWith('-redis') ? 'RedisReady' : 'MongoDBReady',
        `The managed ${database} continues to run until no server pod uses it.`,
      ),
    ),
    ...(keptVolume === undefined
      ? []
      : [
          warning(
            'MongoDBReady',
            `The users in the managed MongoDB were not copied. They are in PersistentVolumeClaim ${keptVolume}, with the passwords in Secret ${secretNames(name).mongodb}. ` +
              'To use them again, write mongodb.managed. If you no longer need them, delete the PersistentVolumeClaim.',
          ),
        ]),
  ]
}
