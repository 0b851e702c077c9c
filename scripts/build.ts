import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { build, type Plugin } from 'esbuild'
import { kubeConfigOnly } from './build/kube-config-only.ts'
import { packageClosure } from './build/package-closure.ts'

/**
 * Bundles a program for its image: `node scripts/build.ts api-server|operator` writes `<workspace>/dist/`.
 *
 * One file an entry point instead of a tree of packages: the operator starts three times as fast and in two thirds of
 * the memory, and an image holds nothing that is not used.
 */
const root = resolve(import.meta.dirname, '..')

interface Program {
  /** Source files that become `<name>.js`, or the name that is said. */
  entryPoints: (string | { in: string; out: string })[]
  /** Packages that cannot be bundled, because they carry native code or files that they read at run time. */
  external: string[]
  /** Packages that a dependency tries to load, and does without when they are missing. */
  absent: string[]
  plugins?: Plugin[]
}

const programs: Record<string, Program> = {
  operator: { entryPoints: ['main.ts'], external: [], absent: [], plugins: [kubeConfigOnly] },
  'api-server': {
    entryPoints: [
      ...['server.ts', 'migrate.ts', 'admin.ts', 'mongodb-setup.ts', 'rotate-passwords.ts'],
      ...['smoke-test/main.ts', { in: 'plugins/app/passwords/hash-thread.ts', out: 'hash-thread' }],
    ],
    external: ['bcrypt', '@fastify/swagger-ui'],
    absent: [
      ...['kerberos', '@mongodb-js/zstd', '@aws-sdk/credential-providers', 'gcp-metadata', 'snappy', 'socks'],
      ...['mongodb-client-encryption', 'pino-pretty'],
    ],
  },
}

const [name = ''] = process.argv.slice(2)
const program = programs[name]
if (program === undefined) {
  console.error(`Usage: node scripts/build.ts ${Object.keys(programs).join('|')}`)
  process.exit(1)
}
await bundle(join(root, name), program)

async function bundle(workspace: string, { entryPoints, external, absent, plugins = [] }: Program): Promise<void> {
  const destination = join(workspace, 'dist')
  await rm(destination, { recursive: true, force: true })
  await build({
    absWorkingDir: workspace,
    entryPoints,
    outdir: destination,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    sourcemap: 'linked',
    sourcesContent: false,
    // Stack traces and the names that logs show stay readable: only white space and dead code go.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'external',
    external: [...external, ...absent],
    plugins,
    // CommonJS packages inside an ES module still call require for Node's own modules.
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';import{dirname as __directoryOf}from'node:path';import{fileURLToPath as __pathOf}from'node:url';const require=__createRequire(import.meta.url),__filename=__pathOf(import.meta.url),__dirname=__directoryOf(__filename);",
    },
    logLevel: 'warning',
    // The packages above that may be missing are missing on purpose.
    logOverride: { 'require-resolve-not-external': 'silent' },
  })
  await writeFile(join(destination, 'package.json'), `${JSON.stringify({ type: 'module', private: true })}\n`)

  const modules = join(destination, 'node_modules')
  for (const { from, path } of await packageClosure(workspace, external)) {
    await mkdir(join(modules, path), { recursive: true })
    await cp(from, join(modules, path), {
      recursive: true,
      filter: (file) => !isNestedPackage(file, from) && !isForAnotherPlatform(file),
    })
  }
}

/** Nested packages are copied as members of the closure, when they belong to it. */
function isNestedPackage(file: string, packageDirectory: string): boolean {
  return file.slice(packageDirectory.length).includes('/node_modules')
}

/** Native packages carry a binary for each platform, in `prebuilds/<platform>-<architecture>`. */
function isForAnotherPlatform(file: string): boolean {
  const platform = /\/prebuilds\/([^/]+)/.exec(file)?.[1]
  return platform !== undefined && platform !== `${process.platform}-${process.arch}`
}
