import { createHash } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { cacheDirectory } from './checkout.ts'
import { onEarlyExit } from './exit-hooks.ts'
import { withLock } from './lock.ts'

/** The inputs of a cache entry, by name. */
export type Ingredients = Readonly<Record<string, string>>

/** Twelve hex digits that change with any input. */
export function cacheKey(ingredients: Ingredients): string {
  const sorted = Object.entries(ingredients).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 12)
}

/** The contents of files as inputs, by their paths below `directory`. */
export async function fileIngredients(directory: string, files: readonly string[]): Promise<Ingredients> {
  const contents = files.map(async (file) => [file, await readFile(join(directory, file), 'utf8')] as const)
  return Object.fromEntries(await Promise.all(contents))
}

/**
 * The path of a cache entry. `build` fills an empty directory when the entry does not exist. An entry is complete or
 * absent, and two processes never build the same one.
 *
 * @param name a readable part of the path, such as `go-tools`
 * @param onWait called when another process builds the entry
 */
export async function cached(
  name: string,
  ingredients: Ingredients,
  build: (directory: string) => Promise<void>,
  onWait?: () => void,
): Promise<string> {
  const entry = cachePath(name, ingredients)
  if (existsSync(entry)) return entry
  const lock = join(cacheDirectory, 'locks', `${name}.lock`)
  await withLock(lock, () => buildEntry(entry, build), onWait)
  return entry
}

/** Whether `cached` would build. */
export function isCached(name: string, ingredients: Ingredients): boolean {
  return existsSync(cachePath(name, ingredients))
}

function cachePath(name: string, ingredients: Ingredients): string {
  return join(cacheDirectory, name, cacheKey(ingredients))
}

async function buildEntry(entry: string, build: (directory: string) => Promise<void>): Promise<void> {
  if (existsSync(entry)) return
  await mkdir(dirname(entry), { recursive: true })
  const unfinished = await mkdtemp(`${entry}.unfinished-`)
  const remove = () => rmSync(unfinished, { recursive: true, force: true })
  using _ = onEarlyExit(remove)
  try {
    await build(unfinished)
    await rename(unfinished, entry)
  } catch (error) {
    remove()
    throw error
  }
}
