import { execFileSync } from 'node:child_process'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type BuildOptions, build, type Plugin } from 'esbuild'
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
  /** A source file that becomes one CommonJS script, `<name>.cjs`, with its code cache beside it. */
  cachedScript?: string
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
      ...[{ in: 'bundled-server.ts', out: 'server' }, 'migrate.ts', 'admin.ts', 'mongodb-setup.ts'],
      ...[
        'rotate-passwords.ts',
        'smoke-test/main.ts',
        { in: 'plugins/app/passwords/hash-thread.ts', out: 'hash-thread' },
      ],
    ],
    cachedScript: 'serve.ts',
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

async function bundle(workspace: string, program: Program): Promise<void> {
  const destination = join(workspace, 'dist')
  await rm(destination, { recursive: true, force: true })
  const options: BuildOptions = {
    absWorkingDir: workspace,
    outdir: destination,
    bundle: true,
    platform: 'node',
    target: 'node24',
    sourcemap: 'linked',
    sourcesContent: false,
    // Stack traces and the names that logs show stay readable: only white space and dead code go.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'external',
    external: [...program.external, ...program.absent],
    plugins: program.plugins ?? [],
    logLevel: 'warning',
    // The packages above that may be missing are missing on purpose.
    logOverride: { 'require-resolve-not-external': 'silent' },
  }
  await build({
    ...options,
    entryPoints: program.entryPoints,
    splitting: true,
    format: 'esm',
    // CommonJS packages inside an ES module still call require for Node's own modules.
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';import{dirname as __directoryOf}from'node:path';import{fileURLToPath as __pathOf}from'node:url';const require=__createRequire(import.meta.url),__filename=__pathOf(import.meta.url),__dirname=__directoryOf(__filename);",
    },
  })
  await writeFile(join(destination, 'package.json'), `${JSON.stringify({ type: 'module', private: true })}\n`)
  await copyPackages(workspace, program.external, join(destination, 'node_modules'))
  if (program.cachedScript !== undefined) await buildCachedScript(program.cachedScript, options, destination)
}

async function buildCachedScript(source: string, options: BuildOptions, destination: string): Promise<void> {
  await build({
    ...options,
    entryPoints: [source],
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    // A script has no import() of its own, and no import.meta.
    supported: { 'dynamic-import': false },
    banner: { js: "const __moduleUrl=require('node:url').pathToFileURL(__filename).href;" },
    define: { 'import.meta.url': '__moduleUrl' },
  })
  const script = join(destination, source.replace(/\.ts$/, '.cjs'))
  execFileSync(process.execPath, [join(root, 'scripts/build/code-cache.ts'), script], { stdio: 'inherit' })
}

async function copyPackages(workspace: string, names: readonly string[], modules: string): Promise<void> {
  for (const { from, path } of await packageClosure(workspace, names)) {
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
