import type { ResolvedSpec } from '../api/resolved-spec.ts'
import { idOf, type Manifest } from '../apply/plan.ts'
import type { Finding } from '../finding.ts'
import { secretNames } from '../secrets/names.ts'
import type { Snapshot } from '../snapshot.ts'

/** What stays of databases that the operator ran and the spec no longer asks for. */
export interface Departing {
  /** Names of databases that still run, for server pods may use them, such as `accounts-redis`. */
  running: string[]
  /** Children that are neither wanted nor to be pruned, by `idOf`. */
  kept: ReadonlySet<string>
}

/** The part of apps/v1 Deployment that tells which databases its pods use. */
type Deployment = Manifest & {
  metadata: { generation?: number }
  spec?: {
    replicas?: number
    template?: { spec?: { volumes?: { secret?: { secretName?: string } }[] } }
  }
  status?: { observedGeneration?: number; replicas?: number; updatedReplicas?: number }
}

type Input = Pick<Snapshot, 'authService' | 'resolved' | 'children' | 'keptVolume'>

/**
 * A database that the spec no longer asks for runs until no server pod uses it, so a switch fails no request, and one
 * that leads nowhere leaves the old pods with their data. The passwords of a MongoDB stay as long as its volume does.
 */
export function findDeparting({ authService, resolved, children, keptVolume }: Input): Departing {
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

/** Names of what the operator would run if the spec asked for it: StatefulSet, Service and Secret have the same. */
function switchedAway(name: string, { mongodb, redis }: ResolvedSpec): string[] {
  return [
    ...(mongodb.source.kind === 'external' ? [`${name}-mongodb`] : []),
    ...(redis.kind === 'external' ? [`${name}-redis`] : []),
  ]
}

function isServer({ kind, metadata }: Manifest, name: string): boolean {
  return kind === 'Deployment' && (metadata.name === `${name}-blue` || metadata.name === `${name}-green`)
}

/** Whether a pod of the Deployment may use the database: by its template, or by an earlier one that is not gone yet. */
function mayUse(server: Manifest, secretName: string): boolean {
  // Kind Deployment has this shape by the Kubernetes API.
  const { metadata, spec = {}, status = {} } = server as Deployment
  const pods = status.replicas ?? 0
  const mounts = spec.template?.spec?.volumes?.some(({ secret }) => secret?.secretName === secretName) === true
  if (mounts) return (spec.replicas ?? 1) > 0 || pods > 0
  const isTakenUp = (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)
  return !isTakenUp || pods > (status.updatedReplicas ?? 0)
}

/** What a person should know about data that a switch leaves behind. */
export function findLeftBehind({ running }: Departing, { authService, keptVolume }: Input): Finding[] {
  const { name } = authService.metadata
  const note = (condition: Finding['condition'], message: string): Finding => ({
    ...{ kind: 'note', condition, reason: 'External', message },
  })
  return [
    ...running.map((database) =>
      note(
        database.endsWith('-redis') ? 'RedisReady' : 'MongoDBReady',
        `The managed ${database} runs on until no server pod uses it.`,
      ),
    ),
    ...(keptVolume === undefined
      ? []
      : [
          note(
            'MongoDBReady',
            `Users of the managed MongoDB were not copied: they are in PersistentVolumeClaim ${keptVolume}, with the passwords in Secret ${secretNames(name).mongodb}. ` +
              'Write mongodb.managed to go back to them; or delete the PersistentVolumeClaim when nobody needs them.',
          ),
        ]),
  ]
}
