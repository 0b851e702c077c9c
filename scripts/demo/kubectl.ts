import { execa } from 'execa'

/** kubectl bound to one cluster. */
export interface Kubectl {
  /** The program: a path, or a name to find on PATH. */
  binary: string
  /** The flags that choose the cluster. */
  cluster: readonly string[]
  /** How a person writes it, for messages. */
  commandLine: string
  /** @throws with kubectl's own words when it fails */
  run(kubectlArguments: readonly string[], options?: { input?: string; timeoutSeconds?: number }): Promise<string>
  /** Like run, with `-o json` and the answer parsed. The shape is the caller's promise: the API server validated it. */
  json<T>(kubectlArguments: readonly string[]): Promise<T>
}

/** @param binary the path of kubectl; @param cluster the flags that choose the cluster, such as --kubeconfig and --context */
export function kubectlFor(binary: string, cluster: readonly string[]): Kubectl {
  const commandLine = [binary, ...cluster].join(' ')
  const run: Kubectl['run'] = async (kubectlArguments, { input, timeoutSeconds = 60 } = {}) => {
    const result = await execa(binary, [...cluster, ...kubectlArguments], {
      reject: false,
      timeout: timeoutSeconds * 1000,
      ...(input !== undefined && { input }),
    })
    if (!result.failed) return result.stdout
    if (result.code === 'ENOENT') {
      throw new Error(`${binary} is missing: install kubectl (https://kubernetes.io/docs/tasks/tools/)`)
    }
    const reason = result.timedOut ? `no end after ${timeoutSeconds} s` : result.stderr.trim()
    throw new Error(`${commandLine} ${kubectlArguments.slice(0, 4).join(' ')}: ${reason}`)
  }
  return {
    binary,
    cluster,
    commandLine,
    run,
    json: async (kubectlArguments) => JSON.parse(await run([...kubectlArguments, '-o', 'json'])),
  }
}
