import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { StepLog } from '../../tools/programs/step-log.ts'

const root = resolve(import.meta.dirname, '../..')
const source = join(root, 'docs/server/client')
const repository = 'https://github.com/authservice-operator/authservice-operator'

// The package contains JavaScript for Node 20 and every current browser, and its types.
const compilerOptions = [
  '--ignoreConfig',
  '--declaration',
  '--rewriteRelativeImportExtensions',
  ...['--target', 'es2022', '--module', 'nodenext', '--lib', 'es2022,dom', '--types', ''],
  ...['--strict', '--exactOptionalPropertyTypes', '--skipLibCheck'],
]

/**
 * Writes the TypeScript client as an npm package.
 * @param directory where to write the tarball, whose name npm chooses
 * @returns the path of the tarball, for `npm publish`
 */
export async function releaseClient(
  directory: string,
  { version }: { version: string },
  log: StepLog,
): Promise<string> {
  const staging = await mkdtemp(join(tmpdir(), 'authservice-client-'))
  try {
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    const files = ['--outDir', join(staging, 'dist'), join(source, 'client.ts')]
    await log.run(process.execPath, [compiler, ...compilerOptions, ...files], { cwd: root })
    const workspace: Workspace = JSON.parse(await readFile(join(source, 'package.json'), 'utf8'))
    await writeFile(join(staging, 'package.json'), JSON.stringify(packageOf(workspace, version), undefined, 2))
    await copyFile(join(root, 'LICENSE'), join(staging, 'LICENSE'))
    const readme = await readFile(join(source, 'README.md'), 'utf8')
    await writeFile(join(staging, 'README.md'), withAbsoluteLinks(readme))
    await mkdir(directory, { recursive: true })
    const packed = await log.run('npm', ['pack', '--silent', '--pack-destination', resolve(directory)], {
      cwd: staging,
    })
    return join(directory, packed.trim())
  } finally {
    await rm(staging, { recursive: true })
  }
}

interface Workspace {
  name: string
  description: string
  license: string
  dependencies: Record<string, string>
}

/** The package.json of the published package, without the fields that only this checkout needs. */
function packageOf({ name, description, license, dependencies }: Workspace, version: string) {
  return {
    name,
    version,
    description,
    license,
    repository: { type: 'git', url: `git+${repository}.git`, directory: 'docs/server/client' },
    homepage: `${repository}/blob/main/docs/server/client/README.md`,
    keywords: ['authentication', 'openapi', 'jwt', 'kubernetes'],
    type: 'module',
    exports: { '.': { types: './dist/client.d.ts', default: './dist/client.js' } },
    types: './dist/client.d.ts',
    files: ['dist'],
    sideEffects: false,
    engines: { node: '>=20' },
    dependencies,
    publishConfig: { access: 'public' },
  }
}

/** Relative links do not work on the page of an npm package. */
function withAbsoluteLinks(page: string): string {
  return page.replaceAll(/\]\((?!https?:|#)([^)]+)\)/g, (_, path: string) => {
    const target = new URL(path, `${repository}/blob/main/docs/server/client/`)
    return `](${target})`
  })
}
