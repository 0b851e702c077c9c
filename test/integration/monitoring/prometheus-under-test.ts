import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { prometheusProgram } from '../../../tools/checkers/promtool.ts'
import { freePort, type ServerProcess, startProcess } from '../../../tools/local-servers/server-process.ts'

/** What Prometheus scrapes, and the labels that its PodMonitor adds. */
export interface Target {
  name: string
  labels: Record<string, string>
  /** Labels of the metrics win over those of the target, as for the operator. */
  honorLabels?: boolean
  /** Returns the text that a pod would serve, or is the host and port of a process that serves /metrics. */
  metrics: (() => Promise<string>) | string
}

/** An alert that is pending or firing. */
export interface ActiveAlert {
  state: 'pending' | 'firing'
  labels: Record<string, string>
  annotations: Record<string, string>
}

/** A Prometheus that scrapes the targets every second. */
export class PrometheusUnderTest {
  readonly #folder: string
  readonly #process: ServerProcess
  readonly #pages: Server
  readonly #url: string

  private constructor(folder: string, process: ServerProcess, pages: Server, url: string) {
    this.#folder = folder
    this.#process = process
    this.#pages = pages
    this.#url = url
  }

  /** @param groups groups of alerting rules, which are evaluated every second */
  static async start(targets: readonly Target[], groups: readonly object[] = []): Promise<PrometheusUnderTest> {
    const folder = await mkdtemp(join(tmpdir(), 'authservice-prometheus-'))
    const pages = createServer(async (request, response) => {
      const metrics = targets.find(({ name }) => request.url === `/${name}`)?.metrics
      response.end(typeof metrics === 'function' ? await metrics() : undefined)
    })
    await new Promise<void>((listening) => pages.listen(0, '127.0.0.1', listening))
    // The type of a TCP server's address.
    const { port } = pages.address() as AddressInfo
    const jobs = targets.map(({ name, labels, honorLabels = false, metrics }) => ({
      job_name: name,
      metrics_path: typeof metrics === 'string' ? '/metrics' : `/${name}`,
      honor_labels: honorLabels,
      static_configs: [{ targets: [typeof metrics === 'string' ? metrics : `127.0.0.1:${port}`], labels }],
    }))
    const file = join(folder, 'prometheus.yaml')
    const global = { scrape_interval: '1s', evaluation_interval: '1s' }
    await writeFile(file, stringify({ global, scrape_configs: jobs, rule_files: ['rules.yaml'] }))
    await writeFile(join(folder, 'rules.yaml'), stringify({ groups }))
    const address = `127.0.0.1:${await freePort()}`
    const url = `http://${address}`
    const options = [`--config.file=${file}`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=${address}`]
    const binary = { path: await prometheusProgram('prometheus'), env: {} }
    const process = await startProcess(binary, options, () => isReady(`${url}/-/ready`))
    return new PrometheusUnderTest(folder, process, pages, url)
  }

  /** The result of an instant query. @throws with the error of Prometheus */
  async query(expression: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]> {
    const answer = await fetch(`${this.#url}/api/v1/query?${new URLSearchParams({ query: expression })}`)
    const { status, data, error }: { status: string; data?: { result: [] }; error?: string } = JSON.parse(
      await answer.text(),
    )
    if (status !== 'success' || data === undefined) throw new Error(`${expression}: ${error}`)
    return data.result
  }

  async alerts(): Promise<ActiveAlert[]> {
    const { data }: { data: { alerts: ActiveAlert[] } } = JSON.parse(
      await (await fetch(`${this.#url}/api/v1/alerts`)).text(),
    )
    return data.alerts
  }

  async stop(): Promise<void> {
    await this.#process.stop()
    this.#pages.closeAllConnections()
    this.#pages.close()
    await rm(this.#folder, { recursive: true })
  }
}

async function isReady(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  )
}
