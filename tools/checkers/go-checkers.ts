import { resolve } from 'node:path'
import { goProgram } from '../programs/go-program.ts'

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
export function checker(name: Checker): Promise<string> {
  const { file = name, ...program } = programs[name]
  return goProgram({ ...program, name, file, module: resolve(import.meta.dirname, 'go', name) })
}
