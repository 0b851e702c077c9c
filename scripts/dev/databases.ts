import { mkdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { inspectMongoDb } from '../../api-server/plugins/external/mongo-topology.ts'
import { startMongo } from '../../tools/local-servers/mongo.ts'
import { startRedis } from '../../tools/local-servers/redis.ts'

/** A database for the server. */
export interface Database {
  env: Record<string, string>
  /** Its origin, for people. */
  origin: string
  /** Stops it, if this program started it. */
  stop(): Promise<void>
}

type Environment = Readonly<Record<string, string | undefined>>

/** The MongoDB of the environment, otherwise one on the default port, otherwise a new one with its data in `folder`. */
export async function findMongo(environment: Environment, folder: string): Promise<Database> {
  const given = environment['MONGODB_URL']
  if (given !== undefined) return found({ MONGODB_URL: given }, 'MONGODB_URL')
  const usual = 'mongodb://127.0.0.1:27017'
  if (await isListening(27_017)) {
    const topology = await topologyOf(usual)
    if (topology === 'replicaSet' || topology === 'sharded') return found({ MONGODB_URL: usual }, 'found on port 27017')
    console.log(
      topology === undefined
        ? 'The program on port 27017 does not answer like MongoDB, so a separate MongoDB is started. To use it anyway, set MONGODB_URL.'
        : 'The mongod on port 27017 is not a replica set and does not support transactions, so a separate one is started.',
    )
  }
  const data = join(folder, 'mongodb')
  await mkdir(data, { recursive: true })
  const mongo = await startMongo({ folder: data })
  return {
    env: { MONGODB_URL: mongo.url },
    origin: `started on port ${mongo.port}, data in .dev/mongodb`,
    stop: mongo.stop,
  }
}

/** @returns undefined if it does not answer within a second, or requires a password */
async function topologyOf(url: string) {
  const client = new MongoClient(url, { directConnection: true, serverSelectionTimeoutMS: 1_000 })
  try {
    return (await inspectMongoDb(client.db('admin'))).topology
  } catch {
    return undefined
  } finally {
    await client.close()
  }
}

/** The Redis of the environment, otherwise one on the default port, otherwise a new one. */
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
