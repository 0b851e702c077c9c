import type { TestProject } from 'vitest/node'
import { startKubeApiserver } from './kube-apiserver.ts'
import { startMongo } from './mongo.ts'
import { startRedis } from './redis.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Shared by all integration tests. Each file uses its own database. */
    mongoUrl: string
    /** Shared. Each file uses its own database number or keys. Tests that stop Redis start their own. */
    redis: { host: string; port: number }
    /** Shared. Each file uses its own namespace. */
    apiServer: { kubeconfigPath: string; port: number; etcdPort: number }
  }
}

/** Starts the servers that integration tests share, and stops them after the last test. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [mongo, redis, apiServer] = await startAll()
  project.provide('mongoUrl', mongo.url)
  project.provide('redis', { host: redis.host, port: redis.port })
  const { kubeconfigPath, port, etcdPort } = apiServer
  project.provide('apiServer', { kubeconfigPath, port, etcdPort })
  return async () => {
    await Promise.all([mongo.remove(), redis.stop(), apiServer.stop()])
  }
}

/** Starts the three servers. If one of them fails, stops the others, which would keep Vitest from exiting. */
async function startAll() {
  const starts = [startMongo(), startRedis(), startKubeApiserver()] as const
  try {
    return await Promise.all(starts)
  } catch (error) {
    const [mongo, redis, apiServer] = starts
    await Promise.allSettled([
      mongo.then(({ remove }) => remove()),
      redis.then(({ stop }) => stop()),
      apiServer.then(({ stop }) => stop()),
    ])
    throw error
  }
}
