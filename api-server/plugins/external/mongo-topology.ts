import type { DatabaseReport } from '@authservice-operator/contract/database-report.ts'
import type { Db } from 'mongodb'

/** @see https://www.mongodb.com/docs/manual/reference/command/hello/ */
export async function inspectMongoDb(db: Db): Promise<DatabaseReport['mongodb']> {
  const { setName, msg } = await db.command({ hello: 1 })
  if (typeof setName === 'string') return { topology: 'replicaSet' }
  return { topology: msg === 'isdbgrid' ? 'sharded' : 'standalone' }
}
