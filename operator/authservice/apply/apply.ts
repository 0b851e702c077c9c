import { RequestCanceledError } from '../../kube/errors.ts'
import { controllerOf, type Manifest } from '../model/manifest.ts'
import type { ClusterWriter } from './cluster-writer.ts'
import { asJson, withoutEntriesOfOthers } from './differences.ts'
import { lastEditor, mayBeAdopted } from './field-owner.ts'
import { type KeptField, keptFields } from './kept-fields.ts'
import { type ApplyPlan, asExisting, needsApply, type PlannedApply } from './plan.ts'

/** Dependencies for writing children. */
type ChildWriter = Pick<
  ClusterWriter,
  'readLive' | 'apply' | 'applyAndRead' | 'createIfAbsent' | 'patchLists' | 'delete'
>

/** A write that the API server rejected, or an object that another owner has. */
export interface ApplyFailure {
  child: Manifest
  error: unknown
}

/** The owner of the children. */
export interface Owner {
  kind: string
  name: string
  uid: string
}

/** Result of a plan. */
export interface ApplyResult {
  created: Manifest[]
  changed: Manifest[]
  /** Edits by other clients that were reverted. */
  corrected: { child: Manifest; paths: string[]; by: string | undefined }[]
  /** Fields that an admission policy keeps at another value: writing them again would change nothing. */
  kept: { child: Manifest; fields: KeptField[] }[]
  removed: Manifest[]
  /** Children that failed; all others were written. */
  failures: ApplyFailure[]
}

/**
 * An object with the name of the child exists and does not belong to the operator. The operator must not take it from
 * its owner.
 */
export class NotOwnedError extends Error {
  override name = 'NotOwnedError'

  constructor(live: Manifest, owner: Owner) {
    const { kind, metadata } = live
    const controller = controllerOf(live)
    const named = `${kind} ${metadata.name} already exists and`
    super(
      controller === undefined
        ? `${named} does not belong to this AuthService: give the AuthService another name. If the object was restored ` +
            `without its labels, label it: kubectl -n ${metadata.namespace} label ${kind.toLowerCase()} ` +
            `${metadata.name} ${adoptionLabels(owner.name)}`
        : `${named} belongs to ${controller.kind} ${controller.name}: give the AuthService another name`,
    )
  }
}

function adoptionLabels(name: string): string {
  return `app.kubernetes.io/managed-by=authservice-operator app.kubernetes.io/instance=${name}`
}

/**
 * The object belongs to a deleted owner of the same name. It will be deleted soon, and the child can then be created.
 */
class PreviousOwnerError extends Error {
  override name = 'PreviousOwnerError'
  constructor({ kind, metadata }: Manifest) {
    super(`${kind} ${metadata.name} still belongs to a deleted AuthService of this name`)
  }
}

/** A Secret was not in the cache, and new values were generated for it, but it exists: the existing values stay. */
class CacheLagError extends Error {
  override name = 'CacheLagError'
  constructor({ metadata }: Manifest) {
    super(
      `Secret ${metadata.name} appeared while its values were generated; the operator discards them and reads the Secret again`,
    )
  }
}

/** The object existed, then did not exist, and then existed again. */
class UnstableObjectError extends Error {
  override name = 'UnstableObjectError'
  constructor({ kind, metadata }: Manifest) {
    super(`${kind} ${metadata.name} is repeatedly created and deleted by another client`)
  }
}

/**
 * Kinds that start pods. They are written after the objects that their pods mount, because the kubelet would otherwise
 * back off.
 */
const startsPods = new Set(['Deployment', 'StatefulSet', 'Job', 'CronJob'])

/**
 * Writes a plan. Objects that pods need come first; otherwise everything is written in parallel. A child that fails
 * does not delay the others.
 *
 * The plan is based on a cache that may lag behind our own writes, and that does not contain objects of other owners. A
 * missing child is therefore created only if no such object exists, and an edited child is read once more.
 *
 * @throws RequestCanceledError if the deadline of the reconcile ends a request: nothing more can be written then
 */
export async function applyPlan(plan: ApplyPlan, owner: Owner, writer: ChildWriter): Promise<ApplyResult> {
  const result: ApplyResult = { created: [], changed: [], corrected: [], kept: [], removed: [], failures: [] }
  const attempt = async (child: Manifest, write: () => Promise<void>) => {
    try {
      await write()
    } catch (error) {
      if (error instanceof RequestCanceledError) throw error
      result.failures.push({ child, error })
    }
  }
  const applyAll = (planned: PlannedApply[]) =>
    Promise.all(planned.map((one) => attempt(one.manifest, () => applyOne(one, owner, writer, result))))

  await applyAll(plan.apply.filter(({ manifest }) => !startsPods.has(manifest.kind)))
  await applyAll(plan.apply.filter(({ manifest }) => startsPods.has(manifest.kind)))
  await Promise.all(
    plan.prune.map((object) =>
      attempt(object, async () => {
        await writer.delete(object)
        result.removed.push(object)
      }),
    ),
  )
  return result
}

async function applyOne(planned: PlannedApply, owner: Owner, writer: ChildWriter, result: ApplyResult) {
  const { manifest, reason } = planned
  if (reason === 'changed' && !planned.hasOthers) {
    await writer.apply(manifest)
    result.changed.push(manifest)
    return
  }
  const create = async () => {
    const isNew = await writer.createIfAbsent(manifest)
    if (isNew) result.created.push(manifest)
    return isNew
  }
  if (reason === 'missing' && (await create())) return
  const live = await writer.readLive(manifest)
  if (live === undefined) {
    if (!(await create())) throw new UnstableObjectError(manifest)
    return
  }
  refuseForeign(live, owner)
  const wanted = asExisting(manifest, live)
  const needed = needsApply(wanted, live)
  if (needed === undefined) return
  if (reason === 'missing' && manifest.kind === 'Secret') throw new CacheLagError(manifest)
  await correct({ wanted, live, needed }, writer, result)
}

/** Reverts an edit, and reads the result: an admission policy may restore the edited value immediately. */
async function correct(
  { wanted, live, needed }: { wanted: Manifest; live: Manifest; needed: Omit<PlannedApply, 'manifest'> },
  writer: ChildWriter,
  result: ApplyResult,
): Promise<void> {
  if (needed.hasOthers) await writer.patchLists(live, listsOf(wanted, live))
  const written = await writer.applyAndRead(wanted)
  const fields = keptFields(wanted, written)
  if (fields.length > 0) result.kept.push({ child: wanted, fields })
  // A write that changed nothing has reverted nothing.
  if (written.metadata.resourceVersion === live.metadata.resourceVersion) return
  if (needed.reason === 'changed') result.changed.push(wanted)
  else {
    const kept = new Set(fields.map(({ path }) => path))
    const paths = needed.paths.filter((path) => !kept.has(path))
    if (paths.length > 0) result.corrected.push({ child: wanted, paths, by: lastEditor(live) })
  }
}

function listsOf(manifest: Manifest, live: Manifest): object {
  const patch = withoutEntriesOfOthers(asJson(manifest), asJson(live))
  // The response to a patch of an object is that object.
  return { ...(patch as object), metadata: { resourceVersion: live.metadata.resourceVersion } }
}

function refuseForeign(live: Manifest, owner: Owner): void {
  const controller = controllerOf(live)
  if (controller?.uid === owner.uid) return
  if (mayBeAdopted(live, owner.name)) return
  if (controller?.kind === owner.kind && controller.name === owner.name) throw new PreviousOwnerError(live)
  throw new NotOwnedError(live, owner)
}
