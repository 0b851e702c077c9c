import { createHash } from 'node:crypto'
import { chmod, copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { stringify } from 'yaml'
import { checker } from '../../tools/checkers/go-checkers.ts'
import { EdgeClient } from '../../tools/cluster-client/edge-client.ts'
import type { Cluster } from '../../tools/local-cluster/cluster.ts'
import { acceptForwarding, forgetForwarding } from '../../tools/local-cluster/source/node-network.ts'
import { freeSubnet, ownAddresses } from '../../tools/local-cluster/source/subnet.ts'
import { freePort } from '../../tools/local-servers/server-process.ts'
import { checkout } from '../../tools/programs/checkout.ts'
import { StepLog } from '../../tools/programs/step-log.ts'

/** How a command ended. */
export interface Outcome {
  ok: boolean
  /** Its standard output and error. */
  output: string
}

/** The folder of a user with this checkout's compose.yaml, and the project that Docker Compose makes of it. */
export class ComposeProject {
  readonly folder: string
  /** The port of the edge on 127.0.0.1. */
  readonly port: number
  readonly #cluster: Pick<Cluster, 'docker' | 'mode'>
  readonly #name: string
  readonly #compose: string

  private constructor(
    folder: string,
    port: number,
    name: string,
    compose: string,
    cluster: Pick<Cluster, 'docker' | 'mode'>,
  ) {
    this.folder = folder
    this.port = port
    this.#name = name
    this.#compose = compose
    this.#cluster = cluster
  }

  /**
   * @param cluster its container engine has the images
   * @param purpose a part of the project's name
   */
  static async create(cluster: Pick<Cluster, 'docker' | 'mode'>, purpose: string): Promise<ComposeProject> {
    const folder = await mkdtemp(join(tmpdir(), 'authservice-compose-'))
    const name = `${checkout.clusterName}-${purpose}`
    const project = new ComposeProject(folder, await freePort(), name, await checker('compose'), cluster)
    await copyFile(join(checkout.root, 'compose.yaml'), join(folder, 'compose.yaml'))
    await project.configure({})
    await project.#writeDockerCommand()
    if (cluster.mode === 'source') await project.#adaptToSeparateEngine()
    // What an interrupted run has left.
    await project.compose(['down', '--volumes', '--timeout', '5'])
    return project
  }

  /** Writes `.env`. */
  async configure(settings: Readonly<Record<string, string>>): Promise<void> {
    const lines = Object.entries({ AUTH_LISTEN: `127.0.0.1:${this.port}`, ...settings })
    await writeFile(join(this.folder, '.env'), lines.map(([name, value]) => `${name}=${value}\n`).join(''))
  }

  /** Runs a program of the user in the folder. `docker compose` is the real one. */
  async run(command: readonly [string, ...string[]], input = ''): Promise<Outcome> {
    const [program, ...programArguments] = command
    const { failed, all } = await execa(program, programArguments, {
      cwd: this.folder,
      env: this.#environment,
      input,
      all: true,
      reject: false,
      timeout: 300_000,
    })
    return { ok: !failed, output: all ?? '' }
  }

  compose(programArguments: readonly string[], input?: string): Promise<Outcome> {
    return this.run([this.#compose, ...programArguments], input)
  }

  /** @throws with everything that Compose printed when it failed, and with the logs of the services */
  async mustCompose(programArguments: readonly string[], input?: string): Promise<string> {
    const { ok, output } = await this.compose(programArguments, input)
    if (ok) return output
    const { output: logs } = await this.compose(['logs', '--tail', '15'])
    throw new Error(`docker compose ${programArguments.join(' ')} failed:\n${output}\n${logs}`)
  }

  /** What the engine knows of the containers. */
  async inspect<Container>(): Promise<Container[]> {
    const ids = (await this.mustCompose(['ps', '--all', '--quiet'])).split('\n').filter(Boolean)
    const { stdout } = await execa(this.#cluster.docker.binary, ['inspect', ...ids], { env: this.#environment })
    return JSON.parse(stdout)
  }

  /** The files that Compose reads when none is named. */
  async composeFiles(): Promise<string[]> {
    return (await readdir(this.folder))
      .filter((file) => /^compose\.(override\.)?yaml$/.test(file))
      .sort()
      .reverse()
  }

  /** Deletes volumes by their names in compose.yaml. */
  async removeVolumes(...names: readonly string[]): Promise<void> {
    const volumes = names.map((name) => `${this.#name}_${name}`)
    await execa(this.#cluster.docker.binary, ['volume', 'rm', ...volumes], { env: this.#environment })
  }

  /** Gives an image of the engine another name. */
  async tag(image: string, name: string): Promise<void> {
    await execa(this.#cluster.docker.binary, ['tag', image, name], { env: this.#environment })
  }

  /** A client of the edge that trusts this authority, by default the one that setup has created. */
  async client(authority?: string): Promise<EdgeClient> {
    const ca = authority ?? (await this.mustCompose(['exec', '-T', 'edge', 'cat', '/etc/edge/tls/ca.crt']))
    return new EdgeClient({ host: 'auth.localhost', ip: '127.0.0.1', port: this.port, ca })
  }

  async remove(): Promise<void> {
    await this.mustCompose(['down', '--volumes', '--timeout', '5'])
    if (this.#cluster.mode === 'source') for (const bridge of this.#bridges) await forgetForwarding(bridge)
    await rm(this.folder, { recursive: true })
  }

  get #environment(): Record<string, string> {
    const { env } = this.#cluster.docker
    return { ...env, COMPOSE_PROJECT_NAME: this.#name, PATH: `${join(this.folder, 'bin')}:${process.env['PATH']}` }
  }

  /** `docker` on the user's PATH, with Compose as its plug-in would be. */
  async #writeDockerCommand(): Promise<void> {
    await mkdir(join(this.folder, 'bin'))
    const script = `#!/bin/sh
if [ "$1" = compose ]; then shift; exec ${this.#compose} "$@"; fi
exec ${this.#cluster.docker.binary} "$@"
`
    await writeFile(join(this.folder, 'bin/docker'), script)
    await chmod(join(this.folder, 'bin/docker'), 0o755)
  }

  /** Names of interfaces have at most 15 characters. */
  get #bridges(): [string, string] {
    const id = createHash('sha256').update(this.#name).digest('hex').slice(0, 8)
    return [`cmp-${id}-1`, `cmp-${id}-2`]
  }

  /**
   * The separate engine keeps to addresses that real networks do not use, and leaves forwarding alone, which another
   * Docker on this machine may have disabled.
   */
  async #adaptToSeparateEngine(): Promise<void> {
    const log = new StepLog(join(checkout.logDirectory, 'compose.log'))
    const first = freeSubnet()
    const second = freeSubnet([...ownAddresses(), `${first}.1`])
    const network = (subnet: string, bridge: string) => ({
      driver_opts: { 'com.docker.network.bridge.name': bridge },
      ipam: { config: [{ subnet: `${subnet}.0/24` }] },
    })
    const [one, other] = this.#bridges
    for (const bridge of this.#bridges) await acceptForwarding(bridge, log)
    const networks = { default: network(first, one), databases: network(second, other) }
    // This engine is older than `start_interval`, which later ones check by every second until a service is healthy.
    const healthcheck = { interval: '1s', retries: 60 }
    const services = Object.fromEntries(['mongodb', 'redis', 'server', 'edge'].map((name) => [name, { healthcheck }]))
    await writeFile(join(this.folder, 'compose.override.yaml'), stringify({ networks, services }))
  }
}
