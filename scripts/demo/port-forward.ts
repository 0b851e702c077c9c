import { execa } from 'execa'
import type { Kubectl } from './kubectl.ts'

/** A local port that leads into the cluster, until it is closed. */
export interface PortForward {
  port: number
  close(): Promise<void>
}

/**
 * Forwards a free port of 127.0.0.1 to a port of `service/name` or `deployment/name`.
 * @throws with kubectl's words when it ends instead of forwarding
 * @see https://kubernetes.io/docs/tasks/access-application-cluster/port-forward-access-application-cluster/
 */
export async function forwardPort(
  kubectl: Kubectl,
  { namespace, target, port }: { namespace: string; target: string; port: number },
): Promise<PortForward> {
  const [binary, cluster] = [kubectl.binary, kubectl.cluster]
  const child = execa(
    binary,
    [...cluster, 'port-forward', '--address', '127.0.0.1', '--namespace', namespace, target, `:${port}`],
    { reject: false, buffer: { stdout: false } },
  )
  for await (const line of child.iterable({ from: 'stdout', preserveStreams: true })) {
    const local = /Forwarding from 127\.0\.0\.1:(\d+)/.exec(line)?.[1]
    if (local === undefined) continue
    return {
      port: Number(local),
      close: async () => {
        child.kill('SIGTERM')
        await child
      },
    }
  }
  const { stderr } = await child
  throw new Error(`kubectl port-forward to ${target} in ${namespace} ended: ${stderr}`)
}
