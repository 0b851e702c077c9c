import type { TestProject } from 'vitest/node'
import { startKubeApiserver } from './kube-apiserver.ts'
import { startMongo } from './mongo.ts'
import { startRedis } from './redis.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Shared by all integration tests: each file takes a database of its own. */
    mongoUrl: string
    /** Shared: each file takes a database number or keys of its own. Tests that stop it start their own. */
    redis: { host: string; port: number }
    /** Shared: each file takes a namespace of its own. */
    apiServer: { kubeconfigPath: string; port: number; etcdPort: number }
  }
}

/** Starts the servers that integration tests share, and ends them after the last one. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [mongo, redis, apiServer] = await Promise.all([startMongo(), startRedis(), startKubeApiserver()])
  project.provide('mongoUrl', mongo.url)
  project.provide('redis', { host: redis.host, port: redis.port })
  const { kubeconfigPath, port, etcdPort } = apiServer
  project.provide('apiServer', { kubeconfigPath, port, etcdPort })
  return async () => {
    await Promise.all([mongo.remove(), redis.stop(), apiServer.stop()])
  }
}
