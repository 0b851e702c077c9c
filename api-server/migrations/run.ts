import type { Db } from 'mongodb'
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

interface Done {
  _id: string
  at: Date
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
  if (dryRun) return pendingAndPossible(db, usersCollection, ofPhase)
  return withLock(db, async () => {
    const pending = await pendingAndPossible(db, usersCollection, ofPhase)
    for (const step of pending) {
      await step.up(db, usersCollection)
      await done(db).insertOne({ _id: recordOf(step, usersCollection), at: new Date() })
    }
    return pending
  })
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
  const recorded = new Set((await done(db).find().toArray()).map(({ _id }) => _id))
  return steps.filter((step) => !recorded.has(recordOf(step, usersCollection)))
}

function recordOf({ id, perUsersCollection }: Migration, usersCollection: string): string {
  return perUsersCollection === true ? `${id}:${usersCollection}` : id
}

function done(db: Db) {
  return db.collection<Done>('migrations')
}
