import { keyOf } from '../../kube/objects.ts'
import { kind } from '../api/group.ts'
import type { AuthService } from '../api/schema.ts'
import type { Color } from '../model/colors.ts'
import type { DatabaseRecheck } from '../model/database-recheck.ts'
import type { BlockedPart } from '../model/finding.ts'
import { idOf, type Manifest } from '../model/manifest.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { findMountedSecrets } from '../secrets/mounted-secrets.ts'
import { adoptOrphans } from './adopt.ts'
import { type ApplyResult, applyPlan } from './apply.ts'
import { withoutBlocked } from './blocked-children.ts'
import type { ClusterWriter } from './cluster-writer.ts'
import type { KeptFields } from './kept-fields.ts'
import { planApply } from './plan.ts'
import { recheckDatabases } from './recheck-databases.ts'
import { refreshVolumes } from './refresh-volumes.ts'
import { postponeRestarts, type RestartSlots } from './restarts.ts'
import { planScale, scaleDeployments } from './scale.ts'
import { findUnusedDatabases } from './unused-databases.ts'

/** The desired children of an AuthService. */
export interface WantedChildren {
  /** Every desired child, complete. */
  desired: readonly Manifest[]
  /** Components that stay unchanged until the user acts. */
  blocked: ReadonlySet<BlockedPart>
  /** Whether there is a revision that the server can run. */
  hasRevision: boolean
  /** Server pods of each colour; a colour without a count keeps its current one. */
  counts: Readonly<Partial<Record<Color, number>>>
  /** When the databases must be inspected again. */
  recheck: DatabaseRecheck | undefined
}

/** Dependencies for writing. */
export interface WriteContext {
  writer: ClusterWriter
  /** Remembers orphans that do not belong to the operator. */
  reader: { refuseOrphan(owner: AuthService, object: Manifest): void }
  keptFields: KeptFields
  restartSlots?: RestartSlots
}

/** What one reconcile has written. */
export interface WrittenChildren extends ApplyResult {
  /** Objects of an earlier AuthService of the same name that this one now controls. */
  adopted: readonly Manifest[]
  /** Databases that are waiting for a slot to restart. */
  postponed: readonly Manifest[]
}

export const nothingWritten: WrittenChildren = {
  created: [],
  changed: [],
  corrected: [],
  kept: [],
  removed: [],
  failures: [],
  adopted: [],
  postponed: [],
}

/** Writes the difference between the desired and the live children, then the replica counts of the Deployments. */
export async function writeChildren(
  snapshot: Snapshot,
  { desired, blocked, hasRevision, counts, recheck }: WantedChildren,
  { reader, writer, keptFields, restartSlots }: WriteContext,
  now: Date,
): Promise<WrittenChildren> {
  const { authService } = snapshot
  const key = keyOf(authService)
  const live = managedChildren(snapshot, desired)
  const difference = planApply(desired, live, (child, fields) => keptFields.areKnown(key, child, fields, now))
  const allowed = withoutBlocked(difference, blocked, { live, hasRevision })
  const { plan, waiting: postponed } = postponeRestarts(allowed, snapshot, restartSlots, now)

  const applied = await applyPlan(plan, { ...authService.metadata, kind }, writer)
  for (const { child, fields } of applied.kept) keptFields.remember(key, child, fields, now)
  const { adopted, refused, failures } = await adoptOrphans(authService, snapshot.orphans, desired, writer)
  for (const object of refused) reader.refuseOrphan(authService, object)
  await refreshVolumes(snapshot, writer)
  await recheckDatabases(snapshot, recheck, now, (job) => writer.delete(job))
  const scaleFailures = hasRevision
    ? await scaleDeployments(authService.metadata.namespace, planScale(snapshot, counts), writer)
    : []
  return {
    ...applied,
    kept: [...plan.kept, ...applied.kept],
    failures: [...applied.failures, ...failures, ...scaleFailures],
    adopted,
    postponed,
  }
}

/**
 * The live children without those that are kept although they are not desired: databases and Secrets that pods still
 * use.
 */
function managedChildren(snapshot: Snapshot, desired: readonly Manifest[]): Manifest[] {
  const unused = findUnusedDatabases(snapshot)
  const mounted = findMountedSecrets(snapshot)
  const wanted = new Set(desired.map(idOf))
  const stays = (id: string) => unused.kept.has(id) || (mounted.has(id) && !wanted.has(id))
  return snapshot.children.filter((child) => !stays(idOf(child)))
}

/** Children that the API server has as this reconcile wrote them. */
export function childrenWritten({ created, changed, corrected }: ApplyResult): Manifest[] {
  return [...created, ...changed, ...corrected.map(({ child }) => child)]
}

/** Names of the Secrets among the children that this reconcile wrote. */
export function secretsWritten(written: ApplyResult): Set<string> {
  const secrets = childrenWritten(written).filter((child) => child.kind === 'Secret')
  return new Set(secrets.map(({ metadata }) => metadata.name))
}
