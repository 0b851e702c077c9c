import { randomUUID } from 'node:crypto'
import { type Db, MongoServerError } from 'mongodb'
import { type Migration, migrations } from './steps.ts'

interface Lock {
  _id: 'migrations'
  owner: string
  until: Date
}

const lockSeconds = 60

/**
 * Runs what has not run yet, once, whoever else tries at the same time.
 * @returns the ids of the migrations that this call ran
 */
export async function runMigrations(
  db: Db,
  usersCollection: string,
  phase: Migration['phase'] = 'expand',
): Promise<string[]> {
  const owner = randomUUID()
  await takeLock(db, owner)
  try {
    const done = await recorded(db)
    const ran: string[] = []
    for (const migration of migrations) {
      if (migration.phase !== phase || done.has(migration.id)) continue
      await migration.up(db, usersCollection)
      await db.collection<{ _id: string; at: Date }>('migrations').insertOne({ _id: migration.id, at: new Date() })
      ran.push(migration.id)
    }
    return ran
  } finally {
    await db.collection<Lock>('locks').deleteOne({ _id: 'migrations', owner })
  }
}

/** Ids of the migrations that servers of this version need and that have not run. */
export async function missingMigrations(db: Db): Promise<string[]> {
  const done = await recorded(db)
  return migrations.filter(({ id, phase }) => phase === 'expand' && !done.has(id)).map(({ id }) => id)
}

async function recorded(db: Db): Promise<Set<string>> {
  const documents = await db.collection<{ _id: string }>('migrations').find().toArray()
  return new Set(documents.map(({ _id }) => _id))
}

/** Waits for the lock; one that is past its time belonged to a process that died. */
async function takeLock(db: Db, owner: string): Promise<void> {
  const locks = db.collection<Lock>('locks')
  for (;;) {
    const now = new Date()
    try {
      await locks.updateOne(
        { _id: 'migrations', until: { $lt: now } },
        { $set: { owner, until: new Date(now.getTime() + lockSeconds * 1000) } },
        { upsert: true },
      )
      return
    } catch (error) {
      if (!(error instanceof MongoServerError && error.code === 11_000)) throw error
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  }
}
