import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Db, MongoClient, MongoServerError } from 'mongodb'
import { mongodBinary } from './binaries.ts'
import { freePort, type ServerProcess, startProcess } from './server-process.ts'

/** A mongod that a test owns: one member of a replica set, so that transactions work. */
export interface TestMongo {
  /** Connection string; with a user in it when there is authentication. */
  url: string
  port: number
  /** Ends it; its data and port stay for `start`. */
  stop(): Promise<void>
  start(): Promise<void>
  /** It hangs, with its connections open. */
  pause(): void
  resume(): void
  /** Ends it and removes its data. */
  remove(): Promise<void>
}

export interface MongoOptions {
  /** A key file turns authentication on and leaves the replica set and the users to the caller. */
  keyFile?: string
  /** Where its data stays; a temporary folder by default. */
  folder?: string
}

export async function startMongo({ keyFile, folder: ownFolder }: MongoOptions = {}): Promise<TestMongo> {
  const binary = await mongodBinary()
  const folder = ownFolder ?? (await mkdtemp(join(tmpdir(), 'authservice-mongo-')))
  const port = await freePort()
  const url = `mongodb://127.0.0.1:${port}/?replicaSet=rs0`
  let running: ServerProcess | undefined

  const start = async () => {
    running = await startProcess(
      binary,
      [
        ...['--dbpath', folder, '--port', String(port), '--bind_ip', '127.0.0.1', '--replSet', 'rs0'],
        ...['--nounixsocket', '--wiredTigerCacheSizeGB', '0.25'],
        ...(keyFile === undefined ? [] : ['--keyFile', keyFile, '--auth']),
      ],
      () => answers(port),
    )
    if (keyFile === undefined) await initiate(port)
  }
  await start()
  return {
    url,
    port,
    start,
    stop: async () => running?.stop(),
    pause: () => running?.pause(),
    resume: () => running?.resume(),
    remove: async () => {
      await running?.stop('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function answers(port: number): Promise<boolean> {
  return withClient(port, (client) => client.db('admin').command({ ping: 1 })).then(
    () => true,
    () => false,
  )
}

async function initiate(port: number): Promise<void> {
  await withClient(port, async (client) => {
    const admin = client.db('admin')
    const host = `127.0.0.1:${port}`
    try {
      await admin.command({ replSetInitiate: { _id: 'rs0', members: [{ _id: 0, host }] } })
    } catch (error) {
      if (!(error instanceof MongoServerError && error.codeName === 'AlreadyInitialized')) throw error
      await readdress(admin, host)
    }
    const deadline = performance.now() + 30_000
    while (!(await admin.command({ hello: 1 }))['isWritablePrimary']) {
      if (performance.now() > deadline) throw new Error('mongod has not become primary after 30 s')
      await new Promise((again) => setTimeout(again, 50))
    }
  })
}

/** Data of an earlier start names the member by the port that it had then. */
async function readdress(admin: Db, host: string): Promise<void> {
  const { config } = await admin.command({ replSetGetConfig: 1 })
  if (config.members[0].host === host) return
  const moved = { ...config, version: config.version + 1, members: [{ ...config.members[0], host }] }
  await admin.command({ replSetReconfig: moved, force: true })
}

async function withClient<Result>(port: number, work: (client: MongoClient) => Promise<Result>): Promise<Result> {
  const client = new MongoClient(`mongodb://127.0.0.1:${port}`, {
    directConnection: true,
    serverSelectionTimeoutMS: 1_000,
  })
  try {
    return await work(client)
  } finally {
    await client.close()
  }
}
