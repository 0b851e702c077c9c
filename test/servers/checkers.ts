import { join, resolve } from 'node:path'
import { cached, fileIngredients } from '../cluster/cache.ts'
import { checkout } from '../cluster/checkout.ts'
import { readGoModule } from '../cluster/go-module.ts'
import { goToolchain } from '../cluster/go-toolchain.ts'
import { StepLog } from '../cluster/step-log.ts'

/**
 * Programs of others that judge manifests, and one of ours that asks libraries of others. Each has a module of its own,
 * for they need different versions of a library.
 */
export type Checker = 'kube-score' | 'cyclonus' | 'health'

/** What each is built from, besides the versions of its modules, and the package that is built. */
const programs: Readonly<Record<Checker, { sources: readonly string[]; package: string }>> = {
  'kube-score': { sources: [], package: 'tool' },
  cyclonus: { sources: [], package: 'tool' },
  health: { sources: ['main.go'], package: '.' },
}

/** The path of a checker, from the cache or built: two minutes from an empty Go cache. */
export async function checker(name: Checker): Promise<string> {
  const module = resolve(import.meta.dirname, 'go', name)
  const { sources, package: built } = programs[name]
  const ingredients = await fileIngredients(module, ['go.mod', 'go.sum', ...sources])
  const folder = await cached(name, ingredients, async (unfinished) => {
    const log = new StepLog(join(checkout.logDirectory, `${name}.log`))
    const go = await goToolchain((await readGoModule(module)).goVersion, log)
    await log.run(go, ['build', '-trimpath', '-ldflags', '-s -w', '-o', `${unfinished}/`, built], {
      cwd: module,
      env: { CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '-mod=readonly -buildvcs=false' },
    })
  })
  return join(folder, name)
}
