import { type FSWatcher, watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { signingKeyAt } from './key-set.ts'
import type { KeyStore, LoadedKey } from './key-store.ts'
import { KeySetError, parseKeySet } from './parse-key-set.ts'

/** A volume's files change by a rename that a watch may miss: they are looked at so often in any case. */
const rereadMilliseconds = 10_000

/** What a look at the file came to, told once for each change. */
export type KeyFileNews =
  | { kind: 'changed'; kids: string[] }
  | { kind: 'unusable'; reason: string }
  | { kind: 'mended' }

/**
 * Keeps a key store as its file says, while the server runs. A file that cannot be used changes nothing: the keys
 * known before stay in use until there is a better one.
 */
export class KeyFile {
  readonly #file: string
  readonly #keys: KeyStore
  readonly #tell: (news: KeyFileNews) => void
  #text = ''
  #unusable: string | undefined
  #reading: Promise<void> = Promise.resolve()
  #watcher: FSWatcher | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(file: string, keys: KeyStore, tell: (news: KeyFileNews) => void) {
    this.#file = file
    this.#keys = keys
    this.#tell = tell
  }

  /** @throws KeySetError: a server that has no keys yet cannot start */
  async load(): Promise<void> {
    const text = await this.#read()
    this.#keys.replace(parse(this.#file, text))
    this.#text = text
  }

  follow(): void {
    const look = () => {
      // One after another: an older reading must not overtake a newer one.
      this.#reading = this.#reading.then(() => this.#look())
    }
    // The folder, because a Secret volume replaces a link in it.
    this.#watcher = watch(dirname(this.#file), look)
    this.#watcher.on('error', look) // the timer goes on
    this.#timer = setInterval(look, rereadMilliseconds)
    this.#timer.unref()
  }

  async stop(): Promise<void> {
    this.#watcher?.close()
    clearInterval(this.#timer)
    await this.#reading
  }

  async #look(): Promise<void> {
    try {
      const text = await this.#read()
      if (text !== this.#text) {
        const keys = parse(this.#file, text)
        this.#keys.replace(requireSigner(this.#file, keys))
        this.#text = text
        this.#tell({ kind: 'changed', kids: keys.map(({ kid }) => kid) })
      }
      if (this.#unusable !== undefined) this.#tell({ kind: 'mended' })
      this.#unusable = undefined
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (reason !== this.#unusable) this.#tell({ kind: 'unusable', reason })
      this.#unusable = reason
    }
  }

  async #read(): Promise<string> {
    try {
      return await readFile(this.#file, 'utf8')
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : 'unknown'
      throw new KeySetError(`the signing keys in ${this.#file} cannot be read (${code})`)
    }
  }
}

function parse(file: string, text: string): LoadedKey[] {
  try {
    return parseKeySet(text)
  } catch (error) {
    if (!(error instanceof KeySetError)) throw error
    throw new KeySetError(`the signing keys in ${file} cannot be used: ${error.message}`)
  }
}

/** A running server that nobody can log in to any more would be worse than one with yesterday's keys. */
function requireSigner(file: string, keys: LoadedKey[], now = new Date()): LoadedKey[] {
  if (signingKeyAt(keys, now) !== undefined) return keys
  throw new KeySetError(`the signing keys in ${file} cannot be used: none of them is active now`)
}
