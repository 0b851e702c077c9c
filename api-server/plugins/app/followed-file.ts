import { type FSWatcher, watch } from 'node:fs'
import { dirname } from 'node:path'

/** Interval at which the file is read in any case, because a watch may miss the rename with which volumes change. */
const rereadMilliseconds = 10_000

/** Reads a file again whenever it changes. If it cannot be used, what was read before stays in use. */
export class FollowedFile {
  readonly #file: string
  readonly #read: () => Promise<void>
  readonly #onUnusable: (reason: string) => void
  #unusable: string | undefined
  #reading: Promise<void> = Promise.resolve()
  #watcher: FSWatcher | undefined
  #timer: NodeJS.Timeout | undefined

  /**
   * @param read reads the file and keeps its content. @throws Error for a file that cannot be used
   * @param onUnusable is called once for each problem
   */
  constructor(file: string, read: () => Promise<void>, onUnusable: (reason: string) => void) {
    this.#file = file
    this.#read = read
    this.#onUnusable = onUnusable
  }

  /** Reads the file now. */
  look(): Promise<void> {
    // One after another, so that an older read does not overwrite a newer one.
    this.#reading = this.#reading.then(() => this.#look())
    return this.#reading
  }

  follow(): void {
    const look = () => void this.look()
    // Watches the folder, because a Secret volume replaces a link in it.
    this.#watcher = watch(dirname(this.#file), look)
    this.#watcher.on('error', look) // the timer continues
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
      await this.#read()
      this.#unusable = undefined
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (reason !== this.#unusable) this.#onUnusable(reason)
      this.#unusable = reason
    }
  }
}
