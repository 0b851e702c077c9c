import { spawn } from 'node:child_process'
import type { Kubectl } from './kubectl.ts'

/** A local port that is forwarded into the cluster until `close`. */
export interface PortForward {
  port: number
  close(): Promise<void>
}

/** Enough for a cluster under load. */
const maxSeconds = 60

/**
 * Forwards a free port of 127.0.0.1 to a port of `service/name` or `deployment/name`.
 * @throws with kubectl's output when kubectl ends or does not start to forward
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
  let output = ''
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
    child.once('error', (error) => {
      output += error.message
      resolve()
    })
  })
  const forwarded = new Promise<number>((resolve, reject) => {
    const read = (text: string) => {
      output += text
      const local = /Forwarding from 127\.0\.0\.1:(\d+)/.exec(output)?.[1]
      if (local !== undefined) resolve(Number(local))
    }
    // Reads both to the end: a full pipe would block kubectl.
    child.stdout.setEncoding('utf8').on('data', read)
    child.stderr.setEncoding('utf8').on('data', read)
    const fail = (problem: string) =>
      reject(new Error(`kubectl port-forward to ${target} in ${namespace} ${problem}: ${output}`))
    void ended.then(() => fail('ended'))
    setTimeout(() => fail(`did not start within ${maxSeconds} s`), maxSeconds * 1000).unref()
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
