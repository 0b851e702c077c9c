import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Db, MongoClient, MongoServerError } from 'mongodb'
import { mongodBinary } from './binaries.ts'
import { freePort, type ServerProcess, startProcess } from './server-process.ts'

/** A mongod for one test: a replica set with one member, so that transactions work. */
export interface TestMongo {
  /** The connection string, with a user when authentication is on. */
  url: string
  port: number
  /** Its process, that of the last start. */
  pid(): number
  /** Connects to this member, primary or not. */
  connect(): Promise<MongoClient>
  /** Stops it. `start` uses the same data and port. */
  stop(): Promise<void>
  start(): Promise<void>
  /** Pauses the process: connections stay open, without answers. */
  pause(): void
  resume(): void
  /** Deletes its data, as the loss of a volume does. Call it between `stop` and `start`. */
  empty(): Promise<void>
  /** Stops it and deletes its data. */
  remove(): Promise<void>
}

export interface MongoOptions {
  /** Turns authentication on. The caller then sets up the replica set and the users. */
  keyFile?: string
  /** Without a replica set, the default of mongod. */
  standalone?: boolean
  /** The data folder; a temporary one by default. */
  folder?: string
}

export async function startMongo({
  keyFile,
  standalone = false,
  folder: ownFolder,
}: MongoOptions = {}): Promise<TestMongo> {
  const binary = await mongodBinary()
  const folder = ownFolder ?? (await mkdtemp(join(tmpdir(), 'authservice-mongo-')))
  const port = await freePort()
  const url = `mongodb://127.0.0.1:${port}/${standalone ? '' : '?replicaSet=rs0'}`
  let running: ServerProcess | undefined

  const start = async () => {
    running = await startProcess(
      binary,
      [
        '--dbpath',
        folder,
        '--port',
        String(port),
        '--bind_ip',
        '127.0.0.1',
        ...(standalone ? [] : ['--replSet', 'rs0']),
        '--nounixsocket',
        '--wiredTigerCacheSizeGB',
        '0.25',
        ...(keyFile === undefined ? [] : ['--keyFile', keyFile, '--auth']),
      ],
      () => answers(port),
    )
    if (keyFile === undefined && !standalone) await initiate(port)
  }
  const remove = async () => {
    await running?.stop('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await start()
  } catch (error) {
    if (ownFolder === undefined) await remove()
    else await running?.stop() // the data belongs to the caller
    throw error
  }
  return {
    url,
    port,
    pid: () => running?.pid ?? 0,
    start,
    connect: () => MongoClient.connect(`mongodb://127.0.0.1:${port}`, { directConnection: true }),
    stop: async () => running?.stop(),
    pause: () => running?.pause(),
    resume: () => running?.resume(),
    empty: async () => {
      await rm(folder, { recursive: true, force: true })
      await mkdir(folder)
    },
    remove,
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

/** The data of an earlier start has the member under its former port. */
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
