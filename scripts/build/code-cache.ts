import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { codeCacheOf, runScript } from '../../api-server/code-cache.ts'
import type { ServerEnvironment } from '../../api-server/config.ts'
import { holdOptimization } from '../../api-server/start-up-memory.ts'

/**
 * Makes the code cache of the server's bundle: `node scripts/build/code-cache.ts api-server/dist/serve.cjs`.
 *
 * The server is built in this process as a pod builds it, so that the cache has every function that a start runs. Its
 * databases are not needed for that; it waits for them for some seconds.
 */
const [file] = process.argv.slice(2)
if (file === undefined) {
  console.error('Usage: node scripts/build/code-cache.ts SCRIPT.cjs')
  process.exit(1)
}

/** Nobody listens on port 1. */
const environment: ServerEnvironment = {
  LOG_LEVEL: 'fatal',
  MONGODB_URL: 'mongodb://127.0.0.1:1',
  REDIS_PORT: '1',
  JWT_SECRET: randomBytes(32).toString('base64url'),
  JWT_ISSUER: 'https://auth.example.com',
}

holdOptimization()
const { exports, script } = runScript<typeof import('../../api-server/serve.ts')>(resolve(file))
await exports.prepare(environment)
await writeFile(codeCacheOf(file), script.createCachedData())
// The server goes on looking for its databases.
process.exit()
