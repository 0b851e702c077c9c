import { readFile } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'

export interface InstalledPackage {
  /** Path of the installed package. */
  from: string
  /** Path in the node_modules of the copy: `bcrypt`, `@fastify/static`, `a/node_modules/b`. */
  path: string
}

interface Manifest {
  dependencies?: Record<string, string>
}

/**
 * The packages that `names` need to run, including themselves, as installed for `workspace`.
 * @throws if one of them is not installed
 */
export async function packageClosure(workspace: string, names: readonly string[]): Promise<InstalledPackage[]> {
  const found = new Map<string, InstalledPackage>()
  const visit = async (name: string, from: string): Promise<void> => {
    const directory = await installedDirectory(name, from)
    if (found.has(directory)) return
    found.set(directory, { from: directory, path: pathUnderModules(directory) })
    const { dependencies = {} } = await manifestOf(directory)
    for (const dependency of Object.keys(dependencies)) await visit(dependency, directory)
  }
  for (const name of names) await visit(name, workspace)
  return [...found.values()]
}

/** The resolution of Node: the node_modules of `from`, then of each directory above it that is none itself. */
async function installedDirectory(name: string, from: string): Promise<string> {
  for (let directory = from; ; directory = dirname(directory)) {
    const candidate = join(directory, 'node_modules', name)
    if (basename(directory) !== 'node_modules' && (await exists(join(candidate, 'package.json')))) return candidate
    if (directory === dirname(directory)) {
      throw new Error(`${name}, which ${from} needs, is not installed: run npm ci`)
    }
  }
}

/** Keeps the nesting below the outermost node_modules, so that two versions of a package stay separate. */
function pathUnderModules(directory: string): string {
  const marker = `${sep}node_modules${sep}`
  const outermost = directory.slice(0, directory.indexOf(marker) + marker.length)
  return relative(outermost, directory)
}

async function exists(file: string): Promise<boolean> {
  return readFile(file).then(
    () => true,
    () => false,
  )
}

async function manifestOf(directory: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(directory, 'package.json'), 'utf8'))
}
