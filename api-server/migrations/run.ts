import { type Db, MongoServerError } from 'mongodb'
import { withLock } from './lock.ts'
import { type Migration, migrations } from './steps.ts'

export interface MigrationOptions {
  phase?: Migration['phase']
  /** Only looks: what would run, and what is in the way. */
  dryRun?: boolean
  steps?: readonly Migration[]
}

/** The data is in the way of a migration. The message has a line for each thing to mend. Nothing was changed. */
export class MigrationRefused extends Error {
  override name = 'MigrationRefused'
}

/** What is recorded of a migration that has run, or of a contraction that has begun. */
interface Done {
  _id: string
  at: Date
  /** A contraction is recorded before it takes anything away: from then on no older version may start. */
  contract?: 'begun' | 'done'
}

/**
 * Runs what has not run yet, once, whoever else tries at the same time.
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
    // Somebody wrote the duplicate since they were looked for. The error itself holds the value, which has no place in a log.
    const problems = (await step.problems?.(db, usersCollection)) ?? []
    throw new MigrationRefused(
      `${step.id}: ${problems.join('\n') || 'two documents have one key: run it again to see which'}`,
    )
  }
  await record(step.phase === 'contract' ? 'done' : undefined)
}

function isDuplicateKey(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === 11_000
}

/** A later version took away what this one may need, and this one cannot know whether it does. */
async function refuseOlder(db: Db, steps: readonly Migration[]): Promise<void> {
  const known = new Set(steps.map(({ id }) => id))
  const contracted = await done(db)
    .find({ contract: { $exists: true } })
    .toArray()
  const unknown = contracted.map(({ _id }) => _id.split(':')[0] ?? _id).filter((id) => !known.has(id))
  if (unknown.length === 0) return
  throw new MigrationRefused(
    `This version is too old for the database: a later one took away what only older versions needed (${unknown.join(', ')}). ` +
      'Go back to no version before that one; or restore a backup that is older than it.',
  )
}

/** Ids of the migrations that servers of this version need and that have not run. */
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
  return steps.filter((step) => !recorded.has(recordOf(step, usersCollection)))
}

function recordOf({ id, perUsersCollection }: Migration, usersCollection: string): string {
  return perUsersCollection === true ? `${id}:${usersCollection}` : id
}

function done(db: Db) {
  return db.collection<Done>('migrations')
}
