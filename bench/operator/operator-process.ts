import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseAllDocuments } from 'yaml'
import { freePort } from '../../tools/local-servers/server-process.ts'
import { cpuSecondsOf, peakMegabytesOf, residentMegabytesOf } from '../machine.ts'

const root = resolve(import.meta.dirname, '../..')
const bundle = resolve(root, 'operator/dist/main.js')

/** Node's options and environment in the Deployment of manifests/base. */
async function deployedSettings(): Promise<{ options: string[]; env: Record<string, string> }> {
  const documents = parseAllDocuments(await readFile(resolve(root, 'manifests/base/deployment.yaml'), 'utf8'))
  const deployment = documents.map((document) => document.toJS()).find(({ kind }) => kind === 'Deployment')
  const container: { command: string[]; env: { name: string; value?: string }[] } =
    deployment.spec.template.spec.containers[0]
  return {
    options: container.command.filter((word) => word.startsWith('--')),
    env: Object.fromEntries(container.env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]))),
  }
}

/** The operator's bundle in a process of its own, with the settings of its Deployment. */
export class OperatorProcess {
  readonly #child: ChildProcess
  readonly #port: number

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.#port = port
  }

  /** Starts the process and does not wait until it is ready. */
  static async start(kubeconfigPath: string): Promise<OperatorProcess> {
    const port = await freePort()
    const image = 'example.com/image:1'
    const { options, env } = await deployedSettings()
    const child = spawn(process.execPath, [...options, bundle], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...env,
        ...process.env, // for WORKERS, to try other numbers
        KUBECONFIG: kubeconfigPath,
        METRICS_PORT: String(port),
        // The renewal of a lease would be 30 writes per minute.
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
    if (pid === undefined || this.#child.exitCode !== null) throw new Error('the operator has ended')
    return pid
  }

  /** The sum of a metric over the series whose labels contain a text. */
  async metric(name: string, labels = ''): Promise<number> {
    return sumOf(await this.#metrics(), name, labels)
  }

  /** The number of requests that are not GET. */
  async writes(): Promise<number> {
    const name = 'rest_client_requests_total'
    return (await this.metric(name)) - (await this.metric(name, 'method="GET"'))
  }

  /** The number of requests of each method, divided by a count: `GET 20.0, PATCH 30.0`. */
  async requestsByMethod(dividedBy: number): Promise<string> {
    const name = 'rest_client_requests_total'
    const counts = await Promise.all(
      ['GET', 'POST', 'PATCH', 'DELETE'].map(
        async (method) => [method, await this.metric(name, `method="${method}"`)] as const,
      ),
    )
    return counts.map(([method, count]) => `${method} ${(count / dividedBy).toFixed(1)}`).join(', ')
  }

  /** A quantile of the reconcile time. Interpolates linearly within a bucket, as Prometheus' histogram_quantile does. */
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

  /** Waits until the operator has reconciled every AuthService since its start and its queue is empty. */
  async waitUntilReconciled(authServices: number): Promise<void> {
    const started = performance.now()
    for (;;) {
      const metrics = (await this.#isReady()) ? await this.#metrics() : ''
      const reconciles = sumOf(metrics, 'controller_runtime_reconcile_total')
      if (metrics !== '' && reconciles >= authServices && sumOf(metrics, 'workqueue_depth') === 0) {
        return
      }
      if (performance.now() - started > 600_000) throw new Error(`only ${reconciles} reconciles after ten minutes`)
      // A scrape costs the operator tens of milliseconds, since it has several series for each AuthService.
      await setTimeout(500)
    }
  }

  async #metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.#port}/metrics`)).text()
  }

  async #isReady(): Promise<boolean> {
    return fetch(`http://127.0.0.1:${this.#port}/readyz`).then(
      ({ ok }) => ok,
      () => false, // it does not listen yet
    )
  }

  cpuSeconds(): number {
    return cpuSecondsOf(this.pid)
  }

  residentMegabytes(): number {
    return residentMegabytesOf(this.pid)
  }

  /** The highest resident memory since the start, in MB of 1,000,000 bytes. */
  peakMegabytes(): number {
    return peakMegabytesOf(this.pid)
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGTERM')
    await ended
  }
}

/** The sum of a metric over the series whose labels contain a text; 0 without such a series. */
function sumOf(metrics: string, name: string, labels = ''): number {
  return metrics
    .split('\n')
    .filter((line) => line.startsWith(name) && /^[ {]/.test(line.slice(name.length)) && line.includes(labels))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}
