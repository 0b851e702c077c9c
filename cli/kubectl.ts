import { spawn } from 'node:child_process'

/** Options that the plug-in passes to kubectl. */
export interface KubectlOptions {
  namespace?: string
  context?: string
  kubeconfig?: string
}

/** The parts of every object that the plug-in reads. */
export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; uid?: string; labels?: Record<string, string> }
}

/** kubectl failed. The message is for the user. */
export class KubectlError extends Error {
  override name = 'KubectlError'
}

/**
 * Reaches the cluster through the kubectl that called this plug-in, with its configuration, permissions and ways to
 * authenticate.
 */
export class Kubectl {
  readonly #options: string[]
  readonly #namespace: string | undefined
  /** Options that suggested commands need to address the same cluster and namespace; empty for the default. */
  readonly flags: string

  constructor({ namespace, context, kubeconfig }: KubectlOptions) {
    this.#namespace = namespace
    this.flags = [
      ...(namespace === undefined ? [] : [`-n ${namespace}`]),
      ...(context === undefined ? [] : [`--context ${context}`]),
      ...(kubeconfig === undefined ? [] : [`--kubeconfig ${kubeconfig}`]),
    ]
      .map((flag) => ` ${flag}`)
      .join('')
    this.#options = [
      ...(namespace === undefined ? [] : ['--namespace', namespace]),
      ...(context === undefined ? [] : ['--context', context]),
      ...(kubeconfig === undefined ? [] : ['--kubeconfig', kubeconfig]),
    ]
  }

  /**
   * The namespace of all requests: that of the option, or else of the context.
   * @returns undefined without a context, as in a pod, where kubectl uses the namespace of the pod
   */
  async namespace(): Promise<string | undefined> {
    if (this.#namespace !== undefined) return this.#namespace
    try {
      return (await this.#run(['config', 'view', '--minify', '--output', 'jsonpath={..namespace}'])) || 'default'
    } catch (error) {
      if (error instanceof KubectlError) return undefined
      throw error
    }
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

  /** The objects of a kind in all namespaces. */
  async listEverywhere<T extends KubeObject>(kind: string): Promise<T[]> {
    return JSON.parse(await this.#run(['get', kind, '--all-namespaces', '--output', 'json'])).items
  }

  async create<T extends KubeObject>(object: object): Promise<T> {
    return JSON.parse(await this.#run(['create', '--filename', '-', '--output', 'json'], JSON.stringify(object)))
  }

  /** Replaces annotations of these names. */
  async annotate(kind: string, name: string, annotations: Record<string, string>): Promise<void> {
    const pairs = Object.entries(annotations).map(([key, value]) => `${key}=${value}`)
    await this.#run(['annotate', kind, name, '--overwrite', ...pairs])
  }

  /** Does not wait for dependents. */
  async remove(kind: string, labels: Record<string, string>): Promise<void> {
    await this.#run(['delete', kind, '--selector', selector(labels), '--wait=false', '--ignore-not-found'])
  }

  #run(programArguments: string[], input = ''): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = spawn('kubectl', [...programArguments, ...this.#options], { stdio: 'pipe' })
      const [stdout, stderr]: Buffer[][] = [[], []]
      child.stdout.on('data', (chunk) => stdout?.push(chunk))
      child.stderr.on('data', (chunk) => stderr?.push(chunk))
      child.on('error', (error) => reject(new KubectlError(startError(error))))
      child.on('close', (code) => {
        const text = Buffer.concat((code === 0 ? stdout : stderr) ?? []).toString('utf8')
        if (code === 0) resolve(text)
        else reject(new KubectlError(explain(text.trim()) || `kubectl exited with code ${code}`))
      })
      child.stdin.on('error', () => {}) // kubectl exited without reading its input; its exit code and output say why
      child.stdin.end(input)
    })
  }
}

function startError(error: NodeJS.ErrnoException): string {
  return error.code === 'ENOENT'
    ? 'kubectl is not on PATH. This plug-in calls it for every request: install it (https://kubernetes.io/docs/tasks/tools/).'
    : `Cannot run kubectl: ${error.message}`
}

/** Without a kubeconfig, kubectl calls localhost:8080 and reports only that nothing answers there, up to six times. */
function explain(output: string): string {
  if (!output.includes('localhost:8080')) return output
  return `kubectl found no kubeconfig with a current context, so there is no cluster to ask. Set KUBECONFIG or add --kubeconfig FILE, and --context NAME if it has several. kubectl says: ${output.split('\n').at(-1)}`
}

function selector(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([label, value]) => `${label}=${value}`)
    .join(',')
}
