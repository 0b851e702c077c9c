import { symlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { cached, fileIngredients, type Ingredients } from './cache.ts'
import { readGoModule } from './go-module.ts'
import { goToolchain } from './go-toolchain.ts'
import type { StepLog } from './step-log.ts'

const source = resolve(import.meta.dirname, 'go/mongo-tools')
const sources = ['go.mod', 'go.sum', 'main.go', 'archive.go', 'dump.go', 'restore.go']

/** The inputs of the stand-ins for MongoDB's tools. */
export async function mongoToolsIngredients(): Promise<Ingredients> {
  return { ...(await fileIngredients(source, sources)), platform: `${process.platform}-${process.arch}` }
}

/**
 * A directory with mongodump and mongorestore. No package registry has them, so these are stand-ins that use the same
 * archive format. Takes seconds to build with an empty cache, where Go exists.
 */
export async function mongoTools(log: StepLog): Promise<string> {
  return cached('mongo-tools', await mongoToolsIngredients(), async (directory) => {
    const go = await goToolchain((await readGoModule(source)).goVersion, log)
    const options = ['-trimpath', '-ldflags', '-s -w', '-o', join(directory, 'mongodump'), '.']
    await log.run(go, ['build', ...options], {
      cwd: source,
      env: { CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '-mod=readonly -buildvcs=false' },
    })
    // One program that behaves according to its name.
    await symlink('mongodump', join(directory, 'mongorestore'))
  })
}
