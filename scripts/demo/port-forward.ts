import { spawn } from 'node:child_process'
import type { Kubectl } from './kubectl.ts'

/** A local port that leads into the cluster, until it is closed. */
export interface PortForward {
  port: number
  close(): Promise<void>
}

/** A cluster under load answers within this time. */
const mostSeconds = 60

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
  const child = spawn(
    binary,
    [...cluster, 'port-forward', '--address', '127.0.0.1', '--namespace', namespace, target, `:${port}`],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let said = ''
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
    child.once('error', (error) => {
      said += error.message
      resolve()
    })
  })
  const forwarded = new Promise<number>((resolve, reject) => {
    const hear = (text: string) => {
      said += text
      const local = /Forwarding from 127\.0\.0\.1:(\d+)/.exec(said)?.[1]
      if (local !== undefined) resolve(Number(local))
    }
    // Both are read to the end: a full pipe would stop kubectl.
    child.stdout.setEncoding('utf8').on('data', hear)
    child.stderr.setEncoding('utf8').on('data', hear)
    const fail = (what: string) =>
      reject(new Error(`kubectl port-forward to ${target} in ${namespace} ${what}: ${said}`))
    void ended.then(() => fail('ended'))
    setTimeout(() => fail(`did not begin within ${mostSeconds} s`), mostSeconds * 1000).unref()
  })
  const close = async () => {
    child.kill('SIGTERM')
    await ended
  }
  try {
    return { port: await forwarded, close }
  } catch (error) {
    await close()
    throw error
  }
}
