import { mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A folder that is updated as the kubelet updates a volume: a symbolic link moves to a new folder. */
export class MountedVolume {
  readonly path: string
  #version = 0
  #mounted = ''

  constructor(path: string) {
    this.path = path
  }

  async mount(files: Record<string, string>): Promise<void> {
    const version = `..version_${this.#version++}`
    await mkdir(join(this.path, version), { recursive: true })
    for (const [name, text] of Object.entries(files)) await writeFile(join(this.path, version, name), text)
    await symlink(version, join(this.path, '..data_tmp'))
    await rename(join(this.path, '..data_tmp'), join(this.path, '..data'))
    this.#mounted = JSON.stringify(files)
  }

  /** Mounts the files if they differ from those that are mounted. */
  async update(files: Record<string, string>): Promise<void> {
    if (JSON.stringify(files) !== this.#mounted) await this.mount(files)
  }
}
