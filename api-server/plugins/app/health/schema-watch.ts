import { missingMigrationProblem } from '@authservice-operator/contract/database-report.ts'

/** What the database lacks for servers of this version. */
export interface DatabaseSchema {
  /** IDs of the migrations that have not run, or whose effect is missing. */
  missingMigrations: readonly string[]
  /** A mongod without a replica set, which does not support transactions. */
  isStandalone: boolean
}

export interface SchemaWatchOptions {
  /** Reads the schema. @throws while the database cannot be read */
  read: () => Promise<DatabaseSchema>
  /** Whether the database is available. */
  isUp: () => boolean
  /** Called when the known state changes. @param before undefined: nothing was known */
  onChange: (schema: DatabaseSchema, before: DatabaseSchema | undefined) => void
  onFailure: (error: unknown) => void
  /** Interval at which the watch tests whether a check is due. */
  turnMilliseconds?: number
  /** Interval after which a complete schema is read again, because a database may be dropped at run time. */
  recheckMilliseconds?: number
}

/**
 * Knows whether the database has what this version needs. A recovered database may be another one, such as one on a new
 * volume. After every reconnect, nothing is assumed until it has been read again. While the database is unavailable,
 * the last known state stays.
 */
export class SchemaWatch {
  readonly #options: Required<SchemaWatchOptions>
  #known: DatabaseSchema | undefined
  #isStale = true
  #readAt = Number.NEGATIVE_INFINITY
  #reading: Promise<DatabaseSchema> | undefined
  #turns: NodeJS.Timeout | undefined

  constructor(options: SchemaWatchOptions) {
    this.#options = { turnMilliseconds: 500, recheckMilliseconds: 10_000, ...options }
  }

  start(): void {
    this.#turns = setInterval(() => this.#turn(), this.#options.turnMilliseconds)
    this.#turn()
  }

  /** Waits for a read in progress. */
  async stop(): Promise<void> {
    clearInterval(this.#turns)
    await this.#reading?.catch(() => {}) // reported by onFailure
  }

  /** The last result; undefined before the first read. */
  get known(): DatabaseSchema | undefined {
    return this.#known
  }

  /** The connection is new, so the known state may be that of another database. */
  invalidate(): void {
    this.#isStale = true
    // Results of reads that began earlier are not trusted.
    this.#reading = undefined
  }

  /** The schema of the current database. @throws when it cannot be read */
  current(): DatabaseSchema | Promise<DatabaseSchema> {
    return this.#known === undefined || this.#isStale ? this.#read() : this.#known
  }

  #turn(): void {
    const { isUp, recheckMilliseconds } = this.#options
    if (!isUp() || this.#reading !== undefined) return
    const isFaulty = this.#known === undefined || this.#isStale || isUnusable(this.#known)
    if (!isFaulty && performance.now() - this.#readAt < recheckMilliseconds) return
    this.#read().catch(() => {}) // reported by onFailure
  }

  #read(): Promise<DatabaseSchema> {
    if (this.#reading !== undefined) return this.#reading
    const { read, onFailure, onChange } = this.#options
    const reading: Promise<DatabaseSchema> = read().then(
      (schema) => {
        // The connection was replaced meanwhile, so this may be the previous database.
        if (this.#reading !== reading) return this.#read()
        const before = this.#known
        const isNew = JSON.stringify(schema) !== JSON.stringify(before)
        this.#reading = undefined
        this.#known = schema
        this.#isStale = false
        this.#readAt = performance.now()
        if (isNew) onChange(schema, before)
        return schema
      },
      (error: unknown) => {
        if (this.#reading === reading) this.#reading = undefined
        onFailure(error)
        throw error
      },
    )
    this.#reading = reading
    return reading
  }
}

/** Whether servers of this version must not use the database. */
export function isUnusable({ missingMigrations, isStandalone }: DatabaseSchema): boolean {
  return isStandalone || missingMigrations.length > 0
}

/** Problems of the database; empty if there are none. */
export function schemaProblems({ missingMigrations, isStandalone }: DatabaseSchema): string[] {
  return [
    ...(isStandalone
      ? [
          'MongoDB is a standalone mongod, which does not support transactions: start it with --replSet and run rs.initiate(). One member is enough',
        ]
      : []),
    ...missingMigrations.map(missingMigrationProblem),
  ]
}
