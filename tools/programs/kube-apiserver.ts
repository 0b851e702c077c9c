import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { cached, fileIngredients } from './cache.ts'
import { goModuleDirectory, readGoModule } from './go-module.ts'
import { compiler, linkerFlags } from './go-tools.ts'
import type { StepLog } from './step-log.ts'

const modules = join(goModuleDirectory, 'kube-apiserver')

/** Minor versions of Kubernetes, older than the one that all other tests use, whose API server can be built: `1.34`. */
export const olderMinors: readonly string[] = readdirSync(modules).sort()

/**
 * The path of the kube-apiserver of an older minor version, built from source once and cached. Takes about 10 minutes.
 *
 * @throws when no Go module pins that minor version
 */
export async function olderKubeApiserver(minor: string, log: StepLog): Promise<string> {
  if (!olderMinors.includes(minor)) {
    throw new Error(`There is no Kubernetes ${minor} to test with. There are: ${olderMinors.join(', ')}.`)
  }
  const folder = join(modules, minor)
  const module = await readGoModule(folder)
  const ingredients = {
    ...(await fileIngredients(folder, ['go.mod', 'go.sum'])),
    linkerFlags: linkerFlags(module),
    platform: `${process.platform}-${process.arch}`,
  }
  const directory = await cached(
    'kube-apiserver',
    ingredients,
    async (unfinished) => {
      const compile = await compiler(module, unfinished, log)
      await compile(folder, linkerFlags(module), ['k8s.io/kubernetes/cmd/kube-apiserver'])
    },
    () => log.report('Another run is building an API server: waiting for it'),
  )
  return join(directory, 'kube-apiserver')
}
