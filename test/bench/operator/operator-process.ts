import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseAllDocuments } from 'yaml'
import { freePort } from '../../servers/server-process.ts'
import { cpuSecondsOf, residentMegabytesOf } from '../process-figures.ts'

const root = resolve(import.meta.dirname, '../../..')
const bundle = resolve(root, 'operator/dist/main.js')

/** What the Deployment in manifests/base starts Node with. */
async function asDeployed(): Promise<{ options: string[]; env: Record<string, string> }> {
  const documents = parseAllDocuments(await readFile(resolve(root, 'manifests/base/deployment.yaml'), 'utf8'))
  const deployment = documents.map((document) => document.toJS()).find(({ kind }) => kind === 'Deployment')
  const container: { command: string[]; env: { name: string; value?: string }[] } =
    deployment.spec.template.spec.containers[0]
  return {
    options: container.command.filter((word) => word.startsWith('--')),
    env: Object.fromEntries(container.env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]))),
  }
}

/** The operator's bundle in a process of its own, as its image runs it. */
export class OperatorProcess {
  readonly #child: ChildProcess
  readonly #port: number

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.#port = port
  }

  /** Does not wait for anything. */
  static async start(kubeconfigPath: string): Promise<OperatorProcess> {
    const port = await freePort()
    const image = 'example.com/image:1'
    const { options, env } = await asDeployed()
    const child = spawn(process.execPath, [...options, bundle], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...env,
        ...process.env, // WORKERS among it, to try other counts
        KUBECONFIG: kubeconfigPath,
        METRICS_PORT: String(port),
        // Renewing a lease is the one thing that is written at rest: it would be 30 writes a minute.
        LEADER_ELECTION: 'false',
        LOG_LEVEL: 'error',
        RELATED_IMAGE_API_SERVER: image,
        RELATED_IMAGE_REDIS: image,
        RELATED_IMAGE_MONGODB: image,
        RELATED_IMAGE_NGINX: image,
      },
    })
    return new OperatorProcess(child, port)
  }

  get pid(): number {
    const { pid } = this.#child
    if (pid === undefined || this.#child.exitCode !== null) throw new Error('the operator does not run')
    return pid
  }

  /** Sum of a metric over all its series whose labels contain the text. */
  async metric(name: string, labels = ''): Promise<number> {
    return sumOf(await this.#metrics(), name, labels)
  }

  /** Requests that changed something. */
  async writes(): Promise<number> {
    const name = 'rest_client_requests_total'
    return (await this.metric(name)) - (await this.metric(name, 'method="GET"'))
  }

  /** Requests so far, divided by a count, such as `GET 20, PATCH 30`. */
  async requestsByMethod(dividedBy: number): Promise<string> {
    const name = 'rest_client_requests_total'
    const counts = await Promise.all(
      ['GET', 'POST', 'PATCH', 'DELETE'].map(
        async (method) => [method, await this.metric(name, `method="${method}"`)] as const,
      ),
    )
    return counts.map(([method, count]) => `${method} ${(count / dividedBy).toFixed(1)}`).join(', ')
  }

  /** By the histogram's buckets, with linear interpolation, as Prometheus' histogram_quantile. */
  async reconcileMilliseconds(quantile: number): Promise<number> {
    const text = await this.#metrics()
    const pattern = /^controller_runtime_reconcile_time_seconds_bucket\{le="([^"]+)".*\} (\d+)$/gm
    const buckets = [...text.matchAll(pattern)].map(([, bound, count]) => [Number(bound), Number(count)] as const)
    const total = buckets.at(-1)?.[1] ?? 0
    let [lower, before] = [0, 0]
    for (const [upper, count] of buckets) {
      if (count >= total * quantile) {
        const share = count === before ? 1 : (total * quantile - before) / (count - before)
        return (Number.isFinite(upper) ? lower + (upper - lower) * share : lower) * 1000
      }
      ;[lower, before] = [upper, count]
    }
    return Number.NaN
  }

  /** Resolves when every AuthService was visited since the start and none waits. @returns seconds since this was called */
  async untilSynced(authServices: number): Promise<number> {
    const started = performance.now()
    for (;;) {
      const metrics = (await this.#isReady()) ? await this.#metrics() : ''
      const visits = sumOf(metrics, 'controller_runtime_reconcile_total')
      if (metrics !== '' && visits >= authServices && sumOf(metrics, 'workqueue_depth') === 0) {
        return (performance.now() - started) / 1000
      }
      if (performance.now() - started > 600_000) throw new Error(`only ${visits} visits after ten minutes`)
      // Each look costs the operator tens of milliseconds: it has some series for each AuthService.
      await setTimeout(500)
    }
  }

  async #metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.#port}/metrics`)).text()
  }

  async #isReady(): Promise<boolean> {
    return fetch(`http://127.0.0.1:${this.#port}/readyz`).then(
      ({ ok }) => ok,
      () => false, // it has not begun to listen
    )
  }

  cpuSeconds(): number {
    return cpuSecondsOf(this.pid)
  }

  residentMegabytes(): number {
    return residentMegabytesOf(this.pid)
  }

  /** The most that was resident at any time, in MB of 1,000,000 bytes. */
  peakMegabytes(): number {
    return (Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1]) * 1024) / 1e6
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGTERM')
    await ended
  }
}

/** Sum over all series of a metric whose labels contain the text; 0 where it has none. */
function sumOf(metrics: string, name: string, labels = ''): number {
  return metrics
    .split('\n')
    .filter((line) => line.startsWith(name) && /^[ {]/.test(line.slice(name.length)) && line.includes(labels))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}
