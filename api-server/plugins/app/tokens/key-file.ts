import { readFile } from 'node:fs/promises'
import { signingKeyAt } from '@authservice-operator/contract/key-set.ts'
import { leewaySeconds } from '@authservice-operator/contract/limits.ts'
import { FollowedFile } from '../followed-file.ts'
import type { KeyStore, LoadedKey } from './key-store.ts'
import { KeySetError, loadKeySet } from './load-key-set.ts'

/** The result of reading the file, reported once for each change. */
export type KeyFileNews =
  | { kind: 'changed'; kids: string[] }
  | { kind: 'unusable'; reason: string }
  | { kind: 'recovered' }

/** What a file contains, and where its keys go. */
export interface KeyFileContent<Key extends DatedKey> {
  /** For messages, such as `signing keys`. */
  name: string
  /** @throws KeySetError */
  parse(text: string): Key[]
  replace(keys: readonly Key[]): void
  /** Whether a server without an active key must not start. */
  isNeededAtStart?: boolean
}

type DatedKey = Pick<LoadedKey, 'kid' | 'activateAt' | 'retireAt'>

export function signingKeys(store: KeyStore): KeyFileContent<LoadedKey> {
  return { name: 'signing keys', parse: loadKeySet, replace: (keys) => store.replace(keys) }
}

/**
 * Keeps a key store up to date with its file. An unusable file changes nothing: earlier keys stay in use until there is
 * a valid file.
 */
export class KeyFile<Key extends DatedKey> {
  readonly #file: string
  readonly #content: KeyFileContent<Key>
  readonly #tell: (news: KeyFileNews) => void
  readonly #followed: FollowedFile
  #text = ''
  #isUnusable = false

  constructor(file: string, content: KeyFileContent<Key>, tell: (news: KeyFileNews) => void) {
    this.#file = file
    this.#content = content
    this.#tell = tell
    this.#followed = new FollowedFile(
      file,
      () => this.#reload(),
      (reason) => {
        this.#isUnusable = true
        tell({ kind: 'unusable', reason })
      },
    )
  }

  /** @throws KeySetError: a server that has no keys yet cannot start */
  async load(): Promise<void> {
    const text = await this.#read()
    const keys = this.#parse(text)
    // The clock of what wrote the file may be ahead of this one.
    const soon = new Date(Date.now() + leewaySeconds * 1000)
    this.#content.replace(this.#content.isNeededAtStart === true ? this.#requireActive(keys, soon) : keys)
    this.#text = text
  }

  follow(): void {
    this.#followed.follow()
  }

  stop(): Promise<void> {
    return this.#followed.stop()
  }

  async #reload(): Promise<void> {
    const text = await this.#read()
    if (text !== this.#text) {
      const keys = this.#parse(text)
      this.#content.replace(this.#requireActive(keys))
      this.#text = text
      this.#tell({ kind: 'changed', kids: keys.map(({ kid }) => kid) })
    }
    if (this.#isUnusable) this.#tell({ kind: 'recovered' })
    this.#isUnusable = false
  }

  async #read(): Promise<string> {
    try {
      return await readFile(this.#file, 'utf8')
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : 'unknown'
      throw new KeySetError(`the ${this.#content.name} in ${this.#file} cannot be read (${code})`)
    }
  }

  #parse(text: string): Key[] {
    try {
      return this.#content.parse(text)
    } catch (error) {
      if (!(error instanceof KeySetError)) throw error
      throw new KeySetError(`the ${this.#content.name} in ${this.#file} cannot be used: ${error.message}`)
    }
  }

  /** A running server without an active key would be worse than one with yesterday's keys. */
  #requireActive(keys: Key[], now = new Date()): Key[] {
    if (signingKeyAt(keys, now) !== undefined) return keys
    throw new KeySetError(`the ${this.#content.name} in ${this.#file} cannot be used: no key is active now`)
  }
}
