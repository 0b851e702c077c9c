import { glob, readFile } from 'node:fs/promises'
import { posix, resolve } from 'node:path'
import { parseSync } from 'oxc-parser'

const root = resolve(import.meta.dirname, '../../..')

/** One import of one file. */
export interface Import {
  /** Path from the root of the repository. */
  file: string
  /** Path of a file of this repository, or name of a package or of a module of Node. */
  imported: string
  /** Only types are imported: nothing of the import exists at run time. */
  isType: boolean
  /** `export … from`. */
  isReexport: boolean
  /** `import()`. */
  isDynamic: boolean
}

/** The imports of every TypeScript file of these folders. */
export async function readImports(folders: readonly string[]): Promise<Import[]> {
  const exclude = ['**/node_modules', '**/dist']
  const files: string[] = []
  for await (const file of glob(`{${folders.join(',')}}/**/*.ts`, { cwd: root, exclude })) files.push(file)
  const imports = await Promise.all(files.sort().map(importsOf))
  return imports.flat()
}

async function importsOf(file: string): Promise<Import[]> {
  const text = await readFile(resolve(root, file), 'utf8')
  const { errors, module } = parseSync(file, text)
  if (errors[0] !== undefined) throw new Error(`${file} cannot be parsed: ${errors[0].message}`)
  const found = [
    ...module.staticImports.map(({ moduleRequest, entries }) => ({
      name: moduleRequest.value,
      isType: entries.length > 0 && entries.every(({ isType }) => isType),
      isReexport: false,
      isDynamic: false,
    })),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest, isType }) =>
        moduleRequest === null ? [] : [{ name: moduleRequest.value, isType, isReexport: true, isDynamic: false }],
      ),
    ),
    ...module.dynamicImports.flatMap(({ moduleRequest: { start, end } }) => {
      const name = /^(['"])(.+)\1$/.exec(text.slice(start, end))?.[2]
      return name === undefined ? [] : [{ name, isType: false, isReexport: false, isDynamic: true }]
    }),
  ]
  return found.map(({ name, ...kind }) => ({ file, imported: pathOf(name, file), ...kind }))
}

const workspaces = '@authservice-operator/'

function pathOf(name: string, file: string): string {
  if (name.startsWith('.')) return posix.join(posix.dirname(file), name)
  return name.startsWith(workspaces) ? name.slice(workspaces.length) : name
}
