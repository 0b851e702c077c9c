import { resolve } from 'node:path'
import { goProgram } from '../programs/go-program.ts'

/** Programs of other projects that run beside AuthServices in a cluster. Each has a Go module of its own. */
export type Neighbour = 'cert-manager' | 'kube-router' | 'oauth2-proxy'

/** The source files of each, and the package to build. The versions of its modules are in go.mod. */
const programs: Readonly<Record<Neighbour, { sources: readonly string[]; package: string }>> = {
  'cert-manager': { sources: ['main.go'], package: '.' },
  'kube-router': { sources: [], package: 'tool' },
  'oauth2-proxy': { sources: [], package: 'tool' },
}

/** The path of a neighbour's program, from the cache or built, which takes minutes with an empty Go cache. */
export function neighbour(name: Neighbour): Promise<string> {
  return goProgram({ ...programs[name], name, file: name, module: resolve(import.meta.dirname, 'go', name) })
}
