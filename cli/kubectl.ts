import { spawn } from 'node:child_process'

/** What a plug-in passes on, as kubectl itself takes it. */
export interface KubectlOptions {
  namespace?: string
  context?: string
  kubeconfig?: string
}

/** What every object has that is read here. */
export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; uid?: string; labels?: Record<string, string> }
}

/** kubectl refused or failed; its message is for the user as it is. */
export class KubectlError extends Error {
  override name = 'KubectlError'
}

/**
 * The cluster by the kubectl that has called this plug-in: the same configuration, the same rights, every way to log in
 * that it knows.
 */
export class Kubectl {
  readonly #options: string[]

  constructor({ namespace, context, kubeconfig }: KubectlOptions) {
    this.#options = [
      ...(namespace === undefined ? [] : ['--namespace', namespace]),
      ...(context === undefined ? [] : ['--context', context]),
      ...(kubeconfig === undefined ? [] : ['--kubeconfig', kubeconfig]),
    ]
  }

  /** @returns undefined when there is none @typeParam T the shape that the kind has by its API */
  async get<T extends KubeObject>(kind: string, name: string): Promise<T | undefined> {
    const text = await this.#run(['get', kind, name, '--ignore-not-found', '--output', 'json'])
    return text === '' ? undefined : JSON.parse(text)
  }

  async list<T extends KubeObject>(kind: string, labels: Record<string, string>): Promise<T[]> {
    const text = await this.#run(['get', kind, '--selector', selector(labels), '--output', 'json'])
    return JSON.parse(text).items
  }

  async create<T extends KubeObject>(object: object): Promise<T> {
    return JSON.parse(await this.#run(['create', '--filename', '-', '--output', 'json'], JSON.stringify(object)))
  }

  /** Replaces annotations of these names. */
  async annotate(kind: string, name: string, annotations: Record<string, string>): Promise<void> {
    const pairs = Object.entries(annotations).map(([key, value]) => `${key}=${value}`)
    await this.#run(['annotate', kind, name, '--overwrite', ...pairs])
  }

  /** Does not wait for what depends on it. */
  async remove(kind: string, labels: Record<string, string>): Promise<void> {
    await this.#run(['delete', kind, '--selector', selector(labels), '--wait=false', '--ignore-not-found'])
  }

  #run(programArguments: string[], input = ''): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = spawn('kubectl', [...programArguments, ...this.#options], { stdio: 'pipe' })
      const [stdout, stderr]: Buffer[][] = [[], []]
      child.stdout.on('data', (chunk) => stdout?.push(chunk))
      child.stderr.on('data', (chunk) => stderr?.push(chunk))
      child.on('error', (error) => reject(new KubectlError(`kubectl cannot be run: ${error.message}`)))
      child.on('close', (code) => {
        const text = Buffer.concat((code === 0 ? stdout : stderr) ?? []).toString('utf8')
        if (code === 0) resolve(text)
        else reject(new KubectlError(text.trim() || `kubectl ended with ${code}`))
      })
      child.stdin.on('error', () => {}) // kubectl ended without reading: its code and words say why
      child.stdin.end(input)
    })
  }
}

function selector(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([label, value]) => `${label}=${value}`)
    .join(',')
}
