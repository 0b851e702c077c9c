import { idOf, type Manifest } from '../model/manifest.ts'
import { runsOther } from '../model/other-revisions.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { secretNames } from './names.ts'

/** The part of a workload, or of a kept revision, that names the Secrets of its pods. */
type WithTemplate = Manifest & {
  spec?: { template?: Template }
  data?: { template?: Template }
}
interface Template {
  spec?: { volumes?: { secret?: { secretName?: string; optional?: boolean } }[] }
}

/**
 * The operator's own Secrets that are in use, whatever the spec says: a workload, a kept revision or a pod of an
 * earlier template mounts them. Without them, these pods could not start again, and a rollback would need new keys. The
 * CA of the edge is always kept, because clients trust it. The passwords of databases are kept as long as their
 * databases, see `findUnusedDatabases`.
 *
 * @returns their identities, by `idOf`
 */
export function findMountedSecrets(snapshot: Pick<Snapshot, 'authService' | 'children'>): ReadonlySet<string> {
  const { authService, children } = snapshot
  const { keys, edgeTls, edgeCa } = secretNames(authService.metadata.name)
  const mounted = new Set(children.flatMap(mountedBy))
  // It is unknown which Secrets pods of an earlier template mount, but these pods are soon gone.
  const hasOlderPods = runsOther(snapshot, () => true)
  const edge = children.find(
    ({ kind, metadata }) => kind === 'Deployment' && metadata.name === `${authService.metadata.name}-edge`,
  )
  const isOlder = new Map([
    [keys, hasOlderPods],
    [edgeTls, edge !== undefined && mayHaveOlderPods(edge)],
    [edgeCa, true],
  ])
  const isInUse = (name: string) => mounted.has(name) || isOlder.get(name) === true
  const secrets = children.filter(
    ({ kind, metadata }) => kind === 'Secret' && [keys, edgeTls, edgeCa].includes(metadata.name),
  )
  return new Set(secrets.filter(({ metadata }) => isInUse(metadata.name)).map(idOf))
}

/** Whether a Deployment may still have pods of an earlier template. */
function mayHaveOlderPods(deployment: Manifest): boolean {
  // The Kubernetes API defines this shape for the kind Deployment.
  const { metadata, status = {} } = deployment as Manifest & {
    metadata: { generation?: number }
    status?: { observedGeneration?: number; replicas?: number; updatedReplicas?: number }
  }
  const isTakenUp = (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)
  return !isTakenUp || (status.replicas ?? 0) > (status.updatedReplicas ?? 0)
}

function mountedBy(child: Manifest): string[] {
  // The Kubernetes API defines this shape for kinds with a template, and `renderRevisions` for kept revisions.
  const { spec, data } = child as WithTemplate
  const volumes = [spec?.template, child.kind === 'ControllerRevision' ? data?.template : undefined]
  return volumes
    .flatMap((template) => template?.spec?.volumes ?? [])
    .flatMap(({ secret }) => (secret?.optional === true ? [] : (secret?.secretName ?? [])))
}

/**
 * Whether running servers sign with the keys that the operator generates. A standby colour without pods does not,
 * because its template would keep replaced keys accepted until another rollout; it does when it gets pods again.
 */
export function areKeysInUse({ authService, children }: Pick<Snapshot, 'authService' | 'children'>): boolean {
  const { keys } = secretNames(authService.metadata.name)
  const servers = children.filter((child) => child.kind === 'Deployment' && hasPods(child))
  return servers.some((server) => mountedBy(server).includes(keys)) || runsOther({ authService, children }, () => true)
}

function hasPods(deployment: Manifest): boolean {
  // The Kubernetes API defines this shape for the kind Deployment, and defaults to one replica.
  const { spec, status } = deployment as Manifest & { spec?: { replicas?: number }; status?: { replicas?: number } }
  return (spec?.replicas ?? 1) > 0 || (status?.replicas ?? 0) > 0
}
