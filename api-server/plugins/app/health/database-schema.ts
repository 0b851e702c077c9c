import fp from 'fastify-plugin'
import { missingMigrations } from '../../../migrations/run.ts'
import { withDeadline } from '../../../with-deadline.ts'
import { inspectMongoDb } from '../../external/mongo-topology.ts'
import { problem } from '../problems/problem.ts'
import { isUnusable, SchemaWatch, schemaProblems } from './schema-watch.ts'

declare module 'fastify' {
  interface FastifyInstance {
    databaseSchema: {
      /** The last known state of the database; undefined until it was read. */
      readonly known: SchemaWatch['known']
      /**
       * Resolves when the current database has all migrations.
       * @throws Problem 503 when it lacks some, and the driver's error when it cannot be read
       */
      assertUsable(): Promise<void>
    }
  }
}

/** Startup does not wait longer: the server answers its probes while it waits for MongoDB. */
const maxStartMilliseconds = 1_000

/**
 * Checks the database after every reconnect, and regularly. Without the unique index on emails, two accounts could have
 * the same email, so no route writes to an unchecked database.
 */
export default fp(
  async function databaseSchema(app) {
    const { client, watch: mongoWatch } = app.mongo
    const { database, usersCollection } = app.config.mongodb
    // Regardless of the read preference in the URL, because a secondary may lag behind.
    const db = client.db(database, { readPreference: 'primary' })
    const watch = new SchemaWatch({
      isUp: () => mongoWatch.isUp,
      read: async () => {
        const [{ topology }, missing] = await Promise.all([inspectMongoDb(db), missingMigrations(db, usersCollection)])
        return { missingMigrations: missing, isStandalone: topology === 'standalone' }
      },
      onChange: (schema, before) => {
        const problems = schemaProblems(schema)
        if (problems.length === 0) app.log.info('MongoDB has the migrations that this version needs')
        else if (before === undefined)
          app.log.warn({ problems }, 'waiting for MongoDB: it lacks migrations that this version needs')
        else app.log.error({ problems }, 'MongoDB lacks migrations that this version needs')
      },
      onFailure: (error) => app.log.debug({ err: error }, 'migrations cannot be checked'),
    })
    app.mongo.onPrimaryFound(() => watch.invalidate())
    app.decorate('databaseSchema', {
      get known() {
        return watch.known
      },
      async assertUsable() {
        const schema = await watch.current()
        if (!isUnusable(schema)) return
        throw problem(503, 'database_unavailable', 'The user database is not ready for this server. Try again later.', {
          retryAfterSeconds: 5,
        })
      },
    })
    watch.start()
    await withDeadline(
      maxStartMilliseconds,
      Promise.resolve(mongoWatch.isUp ? watch.current() : undefined).then(
        () => {},
        () => {}, // the check runs again
      ),
    )
    app.addHook('onClose', () => watch.stop())
  },
  { name: 'database-schema', dependencies: ['config', 'mongo', 'problems'] },
)
