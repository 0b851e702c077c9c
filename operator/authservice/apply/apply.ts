import { withoutEntriesOfOthers } from './differences.ts'
import { type LiveManifest, lastEditor, wasApplied } from './field-owner.ts'
import { type ApplyPlan, asJson, type Manifest, needsApply, type PlannedApply } from './plan.ts'

/** What writing children needs of a cluster. */
export interface ChildWriter {
  /** The object as the API server has it now, undefined when there is none. */
  read(object: Manifest): Promise<LiveManifest | undefined>
  /** Server-side apply with force. */
  apply(manifest: Manifest): Promise<void>
  /** Makes the object, in one step with the look at whether there is one. @returns false when one of its name exists */
  applyNew(manifest: Manifest): Promise<boolean>
  /** Strategic merge patch with lists that are to be replaced. */
  patchLists(object: Manifest, patch: object): Promise<void>
  /** Deletes this very object, and nothing of the same name that came after it. */
  remove(object: Manifest): Promise<void>
}

/** A write that the API server refused, or an object that is somebody else's. */
export interface ApplyFailure {
  child: Manifest
  error: unknown
}

/** Whose children are written. */
export interface Owner {
  kind: string
  name: string
  uid: string
}

/** What became of a plan. */
export interface ApplyResult {
  created: Manifest[]
  changed: Manifest[]
  /** Edits of others that were put back. */
  corrected: { child: Manifest; paths: string[]; by: string | undefined }[]
  removed: Manifest[]
  /** Children that failed; the others were written all the same. */
  failures: ApplyFailure[]
}

/** An object of the child's name exists and belongs to somebody else. Taking it over would take it away from them. */
export class ForeignObjectError extends Error {
  override name = 'ForeignObjectError'
  constructor({ kind, metadata }: Manifest, owner: string) {
    super(
      `${kind} ${metadata.name} exists already and belongs to ${owner}: delete it, or give the AuthService another name`,
    )
  }
}

/** An object of an owner of the same name that was deleted: it goes in a moment, and the child can be made then. */
export class LeavingObjectError extends Error {
  override name = 'LeavingObjectError'
  constructor({ kind, metadata }: Manifest) {
    super(`${kind} ${metadata.name} still belongs to the AuthService of this name that was deleted before`)
  }
}

/** A Secret was thought missing and new values were made for it, but it is there: the present values stay. */
export class UnseenSecretError extends Error {
  override name = 'UnseenSecretError'
  constructor({ metadata }: Manifest) {
    super(`Secret ${metadata.name} appeared while new values were made for it; they are dropped and it is read again`)
  }
}

/** It was there, then it was not, then it was there again. */
export class RestlessObjectError extends Error {
  override name = 'RestlessObjectError'
  constructor({ kind, metadata }: Manifest) {
    super(`${kind} ${metadata.name} comes and goes while it is to be made`)
  }
}

/** Kinds that start pods: they come after what those pods mount, or the kubelet backs off for seconds. */
const startsPods = new Set(['Deployment', 'StatefulSet', 'Job', 'CronJob'])

/**
 * Writes a plan. What pods need comes first; within that, everything at once. One child that fails holds up no other.
 *
 * The plan was made from a cache that may lag behind our own writes, and that does not show what is somebody else's. So
 * what it says is missing is made only where there is nothing, and what it says was edited is read once more.
 */
export async function applyPlan(plan: ApplyPlan, owner: Owner, cluster: ChildWriter): Promise<ApplyResult> {
  const result: ApplyResult = { created: [], changed: [], corrected: [], removed: [], failures: [] }
  const attempt = async (child: Manifest, write: () => Promise<void>) => {
    try {
      await write()
    } catch (error) {
      result.failures.push({ child, error })
    }
  }
  const applyAll = (planned: PlannedApply[]) =>
    Promise.all(planned.map((one) => attempt(one.manifest, () => applyOne(one, owner, cluster, result))))

  await applyAll(plan.apply.filter(({ manifest }) => !startsPods.has(manifest.kind)))
  await applyAll(plan.apply.filter(({ manifest }) => startsPods.has(manifest.kind)))
  await Promise.all(
    plan.prune.map((object) =>
      attempt(object, async () => {
        await cluster.remove(object)
        result.removed.push(object)
      }),
    ),
  )
  return result
}

async function applyOne(planned: PlannedApply, owner: Owner, cluster: ChildWriter, result: ApplyResult) {
  const { manifest, reason } = planned
  if (reason === 'changed' && !planned.hasOthers) {
    await cluster.apply(manifest)
    result.changed.push(manifest)
    return
  }
  const create = async () => {
    const isNew = await cluster.applyNew(manifest)
    if (isNew) result.created.push(manifest)
    return isNew
  }
  if (reason === 'missing' && (await create())) return
  const live = await cluster.read(manifest)
  if (live === undefined) {
    if (!(await create())) throw new RestlessObjectError(manifest)
    return
  }
  refuseForeign(live, owner)
  const needed = needsApply(manifest, live)
  if (needed === undefined) return
  if (reason === 'missing' && manifest.kind === 'Secret') throw new UnseenSecretError(manifest)

  if (needed.hasOthers) await cluster.patchLists(live, listsOf(manifest, live))
  await cluster.apply(manifest)
  if (reason === 'changed') result.changed.push(manifest)
  else result.corrected.push({ child: manifest, paths: needed.paths, by: lastEditor(live) })
}

function listsOf(manifest: Manifest, live: LiveManifest): object {
  const patch = withoutEntriesOfOthers(asJson(manifest), asJson(live))
  // A patch of an object is an object.
  return { ...(patch as object), metadata: { resourceVersion: live.metadata.resourceVersion } }
}

function refuseForeign(live: LiveManifest, owner: Owner): void {
  const controller = live.metadata.ownerReferences?.find((reference) => reference.controller === true)
  if (controller?.uid === owner.uid) return
  if (controller === undefined && wasApplied(live)) return // somebody took the owner away: it is put back
  if (controller?.kind === owner.kind && controller.name === owner.name) throw new LeavingObjectError(live)
  throw new ForeignObjectError(
    live,
    controller === undefined ? 'nobody we know' : `${controller.kind} ${controller.name}`,
  )
}
