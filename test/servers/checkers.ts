import { join, resolve } from 'node:path'
import { cached, fileIngredients } from '../cluster/cache.ts'
import { checkout } from '../cluster/checkout.ts'
import { readGoModule } from '../cluster/go-module.ts'
import { goToolchain } from '../cluster/go-toolchain.ts'
import { StepLog } from '../cluster/step-log.ts'

/** Programs of others that judge manifests. Each has a module of its own, for they need different versions of a library. */
export type Checker = 'kube-score' | 'cyclonus'

/** The path of a checker, from the cache or built: two minutes from an empty Go cache. */
export async function checker(name: Checker): Promise<string> {
  const module = resolve(import.meta.dirname, 'go', name)
  const folder = await cached(name, await fileIngredients(module, ['go.mod', 'go.sum']), async (unfinished) => {
    const log = new StepLog(join(checkout.logDirectory, `${name}.log`))
    const go = await goToolchain((await readGoModule(module)).goVersion, log)
    await log.run(go, ['build', '-trimpath', '-ldflags', '-s -w', '-o', `${unfinished}/`, 'tool'], {
      cwd: module,
      env: { CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '-mod=readonly -buildvcs=false' },
    })
  })
  return join(folder, name)
}
