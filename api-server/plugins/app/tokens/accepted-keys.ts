import { readFile } from 'node:fs/promises'
import type { KeyStore } from './key-store.ts'
import { loadKeySet } from './load-key-set.ts'

const rereadMilliseconds = 10_000

/**
 * Loads the key set whose keys are accepted in addition to the signing keys, and reloads it. No file means no such
 * keys. An unusable file changes nothing and is reported once, because tokens of the signing keys do not depend on it.
 *
 * @returns stops reloading
 */
export async function followAcceptedKeys(
  file: string,
  keys: KeyStore,
  onUnusable: (reason: string) => void,
): Promise<() => void> {
  let known: string | undefined
  const look = async () => {
    const text = await readIfThere(file)
    if (text === known) return
    known = text
    keys.accept(text === undefined ? [] : loadKeySet(text))
  }
  const lookSafely = () =>
    look().catch((error: unknown) => onUnusable(error instanceof Error ? error.message : String(error)))
  await lookSafely()
  const timer = setInterval(lookSafely, rereadMilliseconds)
  timer.unref()
  return () => clearInterval(timer)
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
