import type { Db } from 'mongodb'
import { isDuplicateKey } from '../duplicate-key.ts'
import { withLock } from './lock.ts'
import { type Migration, migrations } from './steps.ts'

export interface MigrationOptions {
  phase?: Migration['phase']
  /** Only reports what would run, and what blocks it. */
  dryRun?: boolean
  steps?: readonly Migration[]
}

/** The data blocks a migration. The message has a line for each problem. Nothing was changed. */
export class MigrationRefused extends Error {
  override name = 'MigrationRefused'
}

/** The record of a migration that has run, or of a contraction that has started. */
interface Done {
  _id: string
  at: Date
  /** A contraction is recorded before it removes anything: from then on, no older version may start. */
  contract?: 'begun' | 'done'
}

/**
 * Runs the migrations that have not run yet, once, even if other processes try at the same time.
 * @returns the migrations that this call ran, or would run
 * @throws MigrationRefused before the first of them runs
 */
export async function runMigrations(
  db: Db,
  usersCollection: string,
  { phase = 'expand', dryRun = false, steps = migrations }: MigrationOptions = {},
): Promise<readonly Pick<Migration, 'id' | 'summary'>[]> {
  const ofPhase = steps.filter((step) => step.phase === phase)
  if (dryRun) {
    await refuseOlder(db, steps)
    return pendingAndPossible(db, usersCollection, ofPhase)
  }
  return withLock(db, async () => {
    await refuseOlder(db, steps)
    const pending = await pendingAndPossible(db, usersCollection, ofPhase)
    for (const step of pending) await runStep(db, usersCollection, step)
    return pending
  })
}

async function runStep(db: Db, usersCollection: string, step: Migration): Promise<void> {
  const _id = recordOf(step, usersCollection)
  const record = (contract: Done['contract']) =>
    done(db).updateOne({ _id }, { $set: { at: new Date(), ...(contract && { contract }) } }, { upsert: true })
  if (step.phase === 'contract') await record('begun')
  try {
    await step.up(db, usersCollection)
  } catch (error) {
    if (!isDuplicateKey(error)) throw error
    // The duplicate was written after the check. The error contains the value, which must not be logged.
    const problems = (await step.problems?.(db, usersCollection)) ?? []
    throw new MigrationRefused(
      `${step.id}: ${problems.join('\n') || 'two documents have the same key: run the migration again to see which'}`,
    )
  }
  await record(step.phase === 'contract' ? 'done' : undefined)
}

/** A later version removed something that this version may need, and this version cannot know. */
async function refuseOlder(db: Db, steps: readonly Migration[]): Promise<void> {
  const known = new Set(steps.map(({ id }) => id))
  const contracted = await done(db)
    .find({ contract: { $exists: true } })
    .toArray()
  const unknown = contracted.map(({ _id }) => _id.split(':')[0] ?? _id).filter((id) => !known.has(id))
  if (unknown.length === 0) return
  throw new MigrationRefused(
    `This version is too old for the database: a later version removed what only older versions needed (${unknown.join(', ')}). ` +
      'Use that version or a later one, or restore a backup from before its migration.',
  )
}

/** IDs of the migrations that servers of this version need and that have not run, or whose effect is missing. */
export async function missingMigrations(db: Db, usersCollection: string): Promise<string[]> {
  const needed = migrations.filter(({ phase }) => phase === 'expand')
  return (await pendingOf(db, usersCollection, needed)).map(({ id }) => id)
}

async function pendingAndPossible(
  db: Db,
  usersCollection: string,
  steps: readonly Migration[],
): Promise<readonly Migration[]> {
  const pending = await pendingOf(db, usersCollection, steps)
  const problems: string[] = []
  for (const { id, problems: look } of pending) {
    for (const problem of (await look?.(db, usersCollection)) ?? []) problems.push(`${id}: ${problem}`)
  }
  if (problems.length > 0) throw new MigrationRefused(problems.join('\n'))
  return pending
}

async function pendingOf(db: Db, usersCollection: string, steps: readonly Migration[]): Promise<readonly Migration[]> {
  const records = await done(db)
    .find({ contract: { $ne: 'begun' } })
    .toArray()
  const recorded = new Set(records.map(({ _id }) => _id))
  const isDone = await Promise.all(
    steps.map(
      async (step) =>
        recorded.has(recordOf(step, usersCollection)) && ((await step.holds?.(db, usersCollection)) ?? true),
    ),
  )
  return steps.filter((_step, index) => !isDone[index])
}

function recordOf({ id, perUsersCollection }: Migration, usersCollection: string): string {
  return perUsersCollection === true ? `${id}:${usersCollection}` : id
}

function done(db: Db) {
  return db.collection<Done>('migrations')
}
