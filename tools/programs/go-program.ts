import { join } from 'node:path'
import { cached, fileIngredients } from './cache.ts'
import { checkout } from './checkout.ts'
import { readGoModule } from './go-module.ts'
import { goToolchain } from './go-toolchain.ts'
import { StepLog } from './step-log.ts'

/** A program in a Go module of its own. The versions of its dependencies are in go.mod. */
export interface GoProgram {
  /** Its name in the cache and of its log. */
  name: string
  /** The folder with go.mod and go.sum. */
  module: string
  /** The other source files in that folder. */
  sources: readonly string[]
  /** What `go build` builds: a package, or `tool` for the tool of go.mod. */
  package: string
  /** The file name that Go gives the program. */
  file: string
}

/**
 * The path of the program, from the cache or built.
 * @throws when Go is not available, or the build fails
 */
export async function goProgram({ name, module, sources, package: built, file }: GoProgram): Promise<string> {
  const ingredients = await fileIngredients(module, ['go.mod', 'go.sum', ...sources])
  const folder = await cached(name, ingredients, async (unfinished) => {
    const log = new StepLog(join(checkout.logDirectory, `${name}.log`))
    const go = await goToolchain((await readGoModule(module)).goVersion, log)
    await log.run(go, ['build', '-trimpath', '-ldflags', '-s -w', '-o', `${unfinished}/`, built], {
      cwd: module,
      env: { CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '-mod=readonly -buildvcs=false' },
    })
  })
  return join(folder, file)
}
