import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * A folder that changes as the kubelet changes a Secret volume: each version is a folder, and a rename replaces the
 * symbolic link to the current one.
 * @see https://pkg.go.dev/k8s.io/kubernetes/pkg/volume/util#AtomicWriter
 */
export class SecretVolume {
  readonly #folder: string
  readonly #key: string
  #version = 0

  private constructor(folder: string, key: string) {
    this.#folder = folder
    this.#key = key
  }

  /** @param key the key of the Secret, which is the file name */
  static async create(key: string, content: string): Promise<SecretVolume> {
    const volume = new SecretVolume(await mkdtemp(join(tmpdir(), 'authservice-volume-')), key)
    await volume.write(content)
    await symlink(join('..data', key), volume.file)
    return volume
  }

  get file(): string {
    return join(this.#folder, this.#key)
  }

  async write(content: string): Promise<void> {
    const version = `..version_${++this.#version}`
    await mkdir(join(this.#folder, version))
    await writeFile(join(this.#folder, version, this.#key), content)
    await symlink(version, join(this.#folder, '..data_tmp'))
    await rename(join(this.#folder, '..data_tmp'), join(this.#folder, '..data'))
    if (this.#version > 1) await rm(join(this.#folder, `..version_${this.#version - 1}`), { recursive: true })
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true })
  }
}
