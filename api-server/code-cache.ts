/** Scripts that V8 need not compile: what it compiled when the image was built lies beside them. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { Script } from 'node:vm'

/**
 * Whether V8 took what lay beside the script: `rejected` means that another Node or other flags made it, `not asked`
 * that the script was loaded in another way.
 */
export type CodeCacheUse = 'used' | 'rejected' | 'missing' | 'not asked'

export interface RunScript<Exports> {
  exports: Exports
  /** Gives its code cache as it is now, with every function that has run by then. */
  script: Script
  cache: CodeCacheUse
}

/** @returns where the code cache of a script lies */
export function codeCacheOf(file: string): string {
  return `${file}.cache`
}

/**
 * Loads a CommonJS file as `runScript` does; by Node's own loader where stack traces are to be in terms of the source,
 * because Node maps those of no other script.
 *
 * @see https://nodejs.org/api/process.html#processsourcemapsenabled
 */
export function loadScript<Exports>(file: string): { exports: Exports; cache: CodeCacheUse } {
  if (process.sourceMapsEnabled) return { exports: createRequire(file)(file), cache: 'not asked' }
  return runScript<Exports>(file)
}

/**
 * Runs a CommonJS file that requires only packages and Node's own modules, once: by its code cache where there is one
 * that V8 takes, and compiled function by function otherwise. V8 checks its own version, its flags and the content of
 * the cache; bytecode is the same for all processors of an architecture.
 *
 * @see https://nodejs.org/api/vm.html#scriptcreatecacheddata
 */
export function runScript<Exports>(file: string): RunScript<Exports> {
  const cachedData = readIfThere(codeCacheOf(file))
  const script = new Script(asFunction(readFileSync(file, 'utf8')), {
    filename: file,
    ...(cachedData && { cachedData }),
  })
  const module = { exports: {} as Exports }
  const run: (exports: Exports, require: NodeJS.Require, module: object, file: string, folder: string) => void =
    script.runInThisContext()
  run(module.exports, createRequire(file), module, file, dirname(file))
  const cache = cachedData === undefined ? 'missing' : script.cachedDataRejected === true ? 'rejected' : 'used'
  return { exports: module.exports, script, cache }
}

/** @see https://nodejs.org/api/modules.html#the-module-wrapper */
function asFunction(source: string): string {
  return `(function (exports, require, module, __filename, __dirname) {${source}\n})`
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
