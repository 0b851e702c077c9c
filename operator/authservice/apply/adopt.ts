import { RequestCanceledError } from '../../kube/errors.ts'
import { apiVersion, kind } from '../api/group.ts'
import type { AuthService } from '../api/schema.ts'
import { childKinds } from '../model/kinds.ts'
import { idOf, type Manifest } from '../model/manifest.ts'
import type { ApplyFailure } from './apply.ts'
import type { ClusterWriter } from './cluster-writer.ts'
import { mayBeAdopted, wasApplied } from './field-owner.ts'

/** Maximum number of objects that one reconcile adopts; each adoption leads to another reconcile. */
const mostAtOnce = 20

/** Result of the adoption of objects without a controller. */
export interface Adoption {
  adopted: Manifest[]
  /** Identities of objects that do not belong to the operator, in the version that was read. */
  refused: Manifest[]
  failures: ApplyFailure[]
}

/**
 * Adopts objects that an AuthService of this name left behind when it was deleted with `--cascade=orphan`, and that the
 * spec does not require: revisions, finished Jobs, the other colour. They are then pruned or used like every child. An
 * object that the spec requires is adopted when it is applied.
 *
 * Secrets are not adopted here: a Secret that no spec requires may be a copy of a key that a user made, and adoption
 * would prune it.
 *
 * @param orphans objects with the labels of the AuthService and without a controller
 */
export async function adoptOrphans(
  authService: AuthService,
  orphans: readonly Manifest[],
  desired: readonly Manifest[],
  writer: Pick<ClusterWriter, 'readLive' | 'patchLists'>,
): Promise<Adoption> {
  const wanted = new Set(desired.map(idOf))
  const adoptable = new Set(childKinds.map((resource) => resource.kind).filter((one) => one !== 'Secret'))
  const candidates = orphans.filter((orphan) => adoptable.has(orphan.kind) && !wanted.has(idOf(orphan)))
  const result: Adoption = { adopted: [], refused: [], failures: [] }
  for (const orphan of candidates.slice(0, mostAtOnce)) {
    try {
      await adopt(orphan, authService, writer, result)
    } catch (error) {
      if (error instanceof RequestCanceledError) throw error
      result.failures.push({ child: orphan, error })
    }
  }
  return result
}

async function adopt(
  orphan: Manifest,
  { metadata: { name, uid } }: AuthService,
  writer: Pick<ClusterWriter, 'readLive' | 'patchLists'>,
  result: Adoption,
): Promise<void> {
  const live = await writer.readLive(orphan)
  if (live === undefined) return
  // Labels are easily copied: an object without one of our names must have been created by the operator.
  if (!mayBeAdopted(live, name) || !wasApplied(live)) {
    // The complete object may be as large as the API server allows.
    const { uid, resourceVersion } = live.metadata
    const version = { ...(uid !== undefined && { uid }), ...(resourceVersion !== undefined && { resourceVersion }) }
    result.refused.push({ ...orphan, metadata: { ...orphan.metadata, ...version } })
    return
  }
  const owner = { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true }
  const { resourceVersion } = live.metadata
  await writer.patchLists(live, { metadata: { resourceVersion, ownerReferences: [owner] } })
  result.adopted.push(orphan)
}
