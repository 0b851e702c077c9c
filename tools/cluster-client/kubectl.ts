import { execa } from 'execa'
import type { Cluster } from '../local-cluster/cluster.ts'

/** kubectl for one cluster. */
export interface Kubectl {
  /** A path, or a name on PATH. */
  binary: string
  /** The flags that select the cluster. */
  cluster: readonly string[]
  /** The program with these flags, for messages. */
  commandLine: string
  /** @throws with the error message of kubectl */
  run(kubectlArguments: readonly string[], options?: { input?: string; timeoutSeconds?: number }): Promise<string>
  /**
   * Runs with `-o json` and parses the output. The caller chooses the type: the API server has validated the object.
   */
  json<T>(kubectlArguments: readonly string[]): Promise<T>
}

/** @param cluster the flags that select the cluster, such as --kubeconfig and --context */
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
      throw new Error(`${binary} is not installed: install kubectl (https://kubernetes.io/docs/tasks/tools/)`)
    }
    const reason = result.timedOut ? `did not end within ${timeoutSeconds} s` : result.stderr.trim()
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

/** kubectl for a cluster of `npm run cluster`. */
export function kubectlOf({
  kubectl,
  kubeconfigPath,
  context,
}: Pick<Cluster, 'kubectl' | 'kubeconfigPath' | 'context'>) {
  return kubectlFor(kubectl, ['--kubeconfig', kubeconfigPath, '--context', context])
}
