import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, get, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { Agent, request } from 'node:https'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PeerCertificate, TLSSocket } from 'node:tls'
import { presetOf } from '../../../operator/authservice/api/presets.ts'
import { parseRate } from '../../../operator/authservice/api/units.ts'
import type { EdgeLayout } from '../../../operator/authservice/resources/edge/edge-layout.ts'
import { edgeStartScript, upstreamConnections } from '../../../operator/authservice/resources/edge/edge-start.ts'
import { type NginxConfigInput, nginxConfig } from '../../../operator/authservice/resources/edge/nginx-config.ts'
import { nginxDirectory } from '../../../tools/local-servers/nginx.ts'
import { freePort } from '../../../tools/local-servers/server-process.ts'
import { MountedVolume } from './mounted-volume.ts'

const preset = presetOf('production').rateLimits

/** The configuration of a test: the settings of production without limits that a test would reach. */
export function configInput(changes: Partial<typeof preset> = {}): NginxConfigInput {
  const limits = { ...preset, perClient: '100000/s', burst: 10_000, ...changes }
  return {
    ingress: { host: 'auth.example.com' },
    traits: { hsts: true },
    rateLimits: {
      perClient: parseRate(limits.perClient),
      burst: limits.burst,
      login: parseRate(limits.login),
      register: parseRate(limits.register),
      reset: parseRate(limits.reset),
    },
  }
}

export interface Answer {
  status: number
  headers: IncomingMessage['headers']
  body: string
  /** The certificate of the edge; undefined for a connection that resumes a session. */
  certificate: PeerCertificate | undefined
}

/** The program of an edge pod on this machine, in front of a server of the test. */
export class EdgeUnderTest {
  readonly config: MountedVolume
  readonly tls: MountedVolume
  readonly layout: EdgeLayout
  /** The address of the colour without traffic; by default no server listens there. */
  previewPort = 1
  /** The soft and hard limit of open files, as containerd sets them for a container. */
  openFiles: { soft: number; hard?: number } = { soft: 1024 }
  readonly #folder: string
  readonly #log: string
  /** The server of the test; undefined if the server runs elsewhere. */
  readonly #upstream: Server | undefined
  readonly #serverPort: number
  readonly #upstreamSockets = new Set<Socket>()
  #process: ChildProcess | undefined

  private constructor(folder: string, ports: EdgeLayout['ports'], server: Server | number) {
    this.#folder = folder
    this.#log = join(folder, 'log')
    this.#upstream = typeof server === 'number' ? undefined : server
    this.#serverPort = typeof server === 'number' ? server : portOf(server)
    this.layout = {
      config: join(folder, 'config'),
      tls: join(folder, 'tls'),
      secret: join(folder, 'secret'),
      own: join(folder, 'own'),
      scratch: join(folder, 'scratch'),
      ports,
    }
    this.config = new MountedVolume(this.layout.config)
    this.tls = new MountedVolume(this.layout.tls)
    this.#upstream?.on('connection', (socket) => {
      this.#upstreamSockets.add(socket)
      socket.on('close', () => this.#upstreamSockets.delete(socket))
    })
  }

  /**
   * Writes the volumes without starting the program.
   * @param server the server of the test, or the port of one that runs on this machine
   */
  static async create(server: RequestListener | number): Promise<EdgeUnderTest> {
    const folder = await mkdtemp(join(tmpdir(), 'authservice-edge-'))
    const [http, https, health] = await Promise.all([freePort(), freePort(), freePort()])
    const upstream = typeof server === 'number' ? server : await listen(server)
    const edge = new EdgeUnderTest(folder, { http, https, health }, upstream)
    for (const path of [edge.layout.own, edge.layout.scratch, edge.layout.secret]) await mkdir(path)
    await writeFile(join(edge.layout.secret, 'secret'), edgeSecret)
    return edge
  }

  /** The content of the ConfigMap. */
  configText(input: NginxConfigInput): string {
    // A master that runs as root starts workers of another user, who cannot read root's files.
    const user = process.getuid?.() === 0 ? 'user root;\n' : ''
    return user + nginxConfig(input, this.layout)
  }

  /** Starts the program. @returns when its readiness probe succeeds */
  async start(): Promise<void> {
    const child = await this.spawn()
    const ended = new Promise<never>((_, reject) => {
      child.once('exit', (code) => reject(new Error(`the edge ended with ${code}:\n${this.output}`)))
    })
    ended.catch(() => {})
    await Promise.race([ended, this.#untilHealthy()])
  }

  /** Idle connections to the server that the edge keeps. */
  get upstreamConnections(): number {
    return this.#upstreamSockets.size
  }

  /** Starts the program without waiting. */
  async spawn(): Promise<ChildProcess> {
    const servers = `  server 127.0.0.1:${this.#serverPort} max_fails=0;\n`.repeat(2)
    const settings = `  zone server 128k;\n  ${upstreamConnections}\n`
    const preview = `map '' \\$preview { default 127.0.0.1:${this.previewPort}; }\n`
    const upstream = `cat >${this.layout.own}/upstream.conf <<CONF\n${preview}upstream server {\n${servers}${settings}}\nCONF`
    // Nginx opens its standard error by path, which Node's pipes do not support.
    const log = openSync(this.#log, 'a')
    const path = `${await nginxDirectory()}:${process.env['PATH']}`
    const parent = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'TERM', '--'] : []
    const { soft, hard } = this.openFiles
    const limits = `ulimit -S -n ${soft}\n${hard === undefined ? '' : `ulimit -H -n ${hard}\n`}`
    const [program = 'sh', ...rest] = [...parent, 'sh', '-c', limits + edgeStartScript(upstream, this.layout, 0.1)]
    const child = spawn(program, rest, { env: { ...process.env, PATH: path }, stdio: ['ignore', log, log] })
    closeSync(log)
    this.#process = child
    return child
  }

  /** Sends a signal. @returns the exit code */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
    child.kill(signal)
    return ended
  }

  async remove(): Promise<void> {
    await this.end('SIGTERM')
    for (const socket of this.#upstreamSockets) socket.destroy()
    if (this.#upstream !== undefined) await once(this.#upstream.close(), 'close')
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** Everything that the program has printed. */
  get output(): string {
    return readFileSync(this.#log, 'utf8')
  }

  /** The process id of the Nginx master, which changes with a restart. */
  async master(): Promise<string> {
    return (await readFile(join(this.layout.own, 'nginx.pid'), 'utf8')).trim()
  }

  /** The pod's report on its configuration. */
  async report(): Promise<{ content: string; refused: string; problem: string }> {
    const { status, body } = await this.health('/configuration')
    if (status !== 200) throw new Error(`/configuration answered ${status}`)
    return JSON.parse(body)
  }

  /** Sends a request to the port of the probes over a new connection. */
  health(path: string): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      get({ host: '127.0.0.1', port: this.layout.ports.health, path, agent: false }, async (answer) => {
        let body = ''
        for await (const chunk of answer) body += chunk
        resolve({ status: answer.statusCode ?? 0, body })
      }).once('error', reject)
    })
  }

  /** Sends one HTTPS request. @param agent opens a new connection by default */
  call(path: string, options: CallOptions = {}): Promise<Answer> {
    const {
      method = 'GET',
      body,
      headers = {},
      agent = false,
      host = 'auth.example.com',
      address = '127.0.0.1',
    } = options
    return new Promise((resolve, reject) => {
      let certificate: PeerCertificate | undefined
      const outgoing = request(
        {
          host: address,
          port: this.layout.ports.https,
          servername: host,
          path,
          method,
          agent,
          // Some tests look at the certificate; none is about trust.
          rejectUnauthorized: false,
          headers: { host, ...headers },
        },
        async (answer) => {
          try {
            let text = ''
            for await (const chunk of answer) text += chunk
            resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text, certificate })
          } catch (error) {
            reject(error)
          }
        },
      )
      outgoing.once('socket', (socket) => {
        // Requests of node:https have TLS sockets.
        const secure = socket as TLSSocket
        secure.once('secureConnect', () => {
          certificate = secure.getPeerCertificate()
        })
      })
      outgoing.once('error', reject)
      outgoing.end(body)
    })
  }

  async #untilHealthy(): Promise<void> {
    const deadline = performance.now() + 60_000
    for (;;) {
      const answer = await this.health('/healthz').catch(() => undefined)
      if (answer?.status === 200) return
      if (performance.now() > deadline) throw new Error(`the edge is not ready after 60 s:\n${this.output}`)
      await new Promise((again) => setTimeout(again, 20))
    }
  }
}

async function listen(server: RequestListener): Promise<Server> {
  const upstream = createServer({ keepAliveTimeout: 75_000 }, server).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  return upstream
}

function portOf(server: Server): number {
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the server of the test does not listen')
  return address.port
}

export interface CallOptions {
  method?: string
  body?: string
  headers?: Record<string, string>
  agent?: Agent | false
  /** The host name, for TLS and the request. */
  host?: string
  /** The address of the edge; by default 127.0.0.1. */
  address?: string
}

/** The content of the edge's Secret. */
export const edgeSecret = 'what-the-edge-of-a-test-shows'

/** Connections that stay open, like those of a browser. */
export function keepAliveAgent(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 4 })
}
