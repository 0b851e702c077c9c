import { join, resolve } from 'node:path'
import { cached, fileIngredients } from '../programs/cache.ts'
import { checkout } from '../programs/checkout.ts'
import { readGoModule } from '../programs/go-module.ts'
import { goToolchain } from '../programs/go-toolchain.ts'
import { StepLog } from '../programs/step-log.ts'

/**
/**
 * Programs that check manifests, charts, workflows, images and files, Docker Compose, and one of this project that calls
 * libraries of other projects. Each has a Go module of its own, because they need different versions of the same library.
 */
export type Checker =
  | 'kube-score'
  | 'kubeconform'
  | 'cyclonus'
  | 'health'
  | 'helm'
  | 'crane'
  | 'actionlint'
  | 'gitleaks'
  | 'krew'
  | 'compose'

interface Program {
  sources: readonly string[]
  package: string
  /** The file name that Go gives the program, if it differs from the checker's name. */
  file?: string
}

/** The source files and the package of each checker. The versions of its modules are in go.mod. */
const programs: Readonly<Record<Checker, Program>> = {
  'kube-score': { sources: [], package: 'tool' },
  kubeconform: { sources: [], package: 'tool' },
  cyclonus: { sources: [], package: 'tool' },
  health: { sources: ['main.go'], package: '.' },
  helm: { sources: [], package: 'tool' },
  crane: { sources: [], package: 'tool' },
  actionlint: { sources: [], package: 'tool' },
  gitleaks: { sources: [], package: 'tool' },
  krew: { sources: [], package: 'tool' },
  compose: { sources: [], package: 'tool', file: 'cmd' },
}

/** The path of a checker, from the cache or built, which takes two minutes with an empty Go cache, five for helm. */
export async function checker(name: Checker): Promise<string> {
  const module = resolve(import.meta.dirname, 'go', name)
  const { sources, package: built, file = name } = programs[name]
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
