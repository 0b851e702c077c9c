import Type, { type Static } from 'typebox'
import Value from 'typebox/value'

/** Names the file to which `migrate.js` writes its report; unset: none. */
export const reportFileVariable = 'DATABASE_REPORT_FILE'

/** Exit code of `migrate.js` if data blocks the migration: another attempt would also fail. */
export const refusedExitCode = 2

const DatabaseReportSchema = Type.Object({
  mongodb: Type.Object({
    /** Registration and password changes need transactions, which `standalone` does not support. */
    topology: Type.Enum(['replicaSet', 'sharded', 'standalone']),
  }),
  redis: Type.Object({
    /**
     * `maxmemory-policy`; with any value except `noeviction`, limits and revocations can be lost. undefined: Redis did
     * not answer.
     */
    maxmemoryPolicy: Type.Optional(Type.String({ maxLength: 64 })),
    /** Why Redis did not answer, with host, port and error code. */
    failure: Type.Optional(Type.String({ maxLength: 500 })),
  }),
})

/** State of the databases, for the operator, which does not connect to them itself. */
export type DatabaseReport = Static<typeof DatabaseReportSchema>

/** The report in the termination message of a container; undefined if the message is not a report. */
export function parseDatabaseReport(message: string): DatabaseReport | undefined {
  try {
    const json: unknown = JSON.parse(message)
    return Value.Check(DatabaseReportSchema, json) ? json : undefined
  } catch {
    return undefined
  }
}

/** The problem that a server reports about a missing migration. */
export function missingMigrationProblem(id: string): string {
  return `migration ${id} has not run`
}

/** Whether a server reports that its database lacks a migration. */
export function isMissingMigration(problem: string): boolean {
  return /^migration \S+ has not run$/.test(problem)
}
