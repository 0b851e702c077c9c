import { mkdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { startMongo } from '../../test/servers/mongo.ts'
import { startRedis } from '../../test/servers/redis.ts'

/** A database that the server is to use. */
export interface Database {
  env: Record<string, string>
  /** For a person: where it is from. */
  origin: string
  /** Ends it when we have started it. */
  stop(): Promise<void>
}

type Environment = Readonly<Record<string, string | undefined>>

/** MongoDB of the environment, else one on the usual port, else one of our own with its data in `folder`. */
export async function findMongo(environment: Environment, folder: string): Promise<Database> {
  const given = environment['MONGODB_URL']
  if (given !== undefined) return found({ MONGODB_URL: given }, 'MONGODB_URL')
  if (await isListening(27_017)) return found({ MONGODB_URL: 'mongodb://127.0.0.1:27017' }, 'found on port 27017')
  const data = join(folder, 'mongodb')
  await mkdir(data, { recursive: true })
  const mongo = await startMongo({ folder: data })
  return {
    env: { MONGODB_URL: mongo.url },
    origin: `started on port ${mongo.port}, data in .dev/mongodb`,
    stop: mongo.stop,
  }
}

/** Redis of the environment, else one on the usual port, else one of our own. */
export async function findRedis(environment: Environment): Promise<Database> {
  const host = environment['REDIS_HOST']
  if (host !== undefined) return found({ REDIS_HOST: host }, 'REDIS_HOST')
  if (await isListening(6_379)) return found({ REDIS_HOST: '127.0.0.1', REDIS_PORT: '6379' }, 'found on port 6379')
  const redis = await startRedis()
  return {
    env: { REDIS_HOST: redis.host, REDIS_PORT: String(redis.port) },
    origin: `started on port ${redis.port}`,
    stop: redis.stop,
  }
}

function found(env: Record<string, string>, origin: string): Database {
  return { env, origin, stop: async () => {} }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
    socket.setTimeout(1_000, () => end(false))
  })
}
