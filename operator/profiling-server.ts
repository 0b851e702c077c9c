import { createServer, type Server, type ServerResponse } from 'node:http'
import { Session } from 'node:inspector/promises'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { getHeapSnapshot } from 'node:v8'

const defaultSeconds = 10
const mostSeconds = 300

/** Takes one profile and writes it in a format that Chrome DevTools can open. */
type Profiler = (response: ServerResponse, seconds: number) => Promise<void>

const profilers = new Map<string, Profiler>([
  ['/debug/pprof/profile', sendJson('cpuprofile', profileCpu)],
  ['/debug/pprof/heap', sendJson('heapprofile', profileHeap)],
  ['/debug/pprof/heapsnapshot', sendHeapSnapshot],
])

/**
 * Profiles of the running process, for clients on its loopback interface, such as `kubectl port-forward`. Only one at a
 * time, because a profile slows down the process that it measures.
 */
export class ProfilingServer {
  readonly #server: Server
  #busy = false

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request.url ?? '', response))
  }

  /**
   * @param port 0 for any free port
   * @returns the port that it listens on
   * @throws if the port is taken
   */
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, '127.0.0.1', resolve)
    })
    // A server that listens on TCP has an AddressInfo; a string would be the name of a pipe.
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  async #answer(path: string, response: ServerResponse): Promise<void> {
    const url = new URL(path, 'http://127.0.0.1')
    const profiler = profilers.get(url.pathname)
    const seconds = Number(url.searchParams.get('seconds') ?? defaultSeconds)
    if (profiler === undefined)
      return refuse(response, 404, `not found: the paths are ${[...profilers.keys()].join(', ')}`)
    if (!(seconds > 0 && seconds <= mostSeconds)) {
      return refuse(response, 400, `seconds must be above 0 and at most ${mostSeconds}`)
    }
    if (this.#busy) return refuse(response, 409, 'another profile is in progress: try again later')
    this.#busy = true
    try {
      await profiler(response, seconds)
    } catch (error) {
      if (response.headersSent) response.destroy()
      else refuse(response, 500, `the profile failed: ${error}`)
    } finally {
      this.#busy = false
    }
  }
}

function refuse(response: ServerResponse, status: number, sentence: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(`${sentence}\n`)
}

function sendJson(extension: string, profile: (session: Session, seconds: number) => Promise<unknown>): Profiler {
  return async (response, seconds) => {
    const session = new Session()
    session.connect()
    try {
      const result = JSON.stringify(await profile(session, seconds))
      response.writeHead(200, { 'content-type': 'application/json', ...asFile(extension) }).end(result)
    } finally {
      session.disconnect()
    }
  }
}

async function profileCpu(session: Session, seconds: number): Promise<unknown> {
  await session.post('Profiler.enable')
  await session.post('Profiler.start')
  await wait(seconds * 1000)
  return (await session.post('Profiler.stop')).profile
}

/** Allocations of that time that are still in use, by sampling: has almost no cost. */
async function profileHeap(session: Session, seconds: number): Promise<unknown> {
  await session.post('HeapProfiler.startSampling')
  await wait(seconds * 1000)
  return (await session.post('HeapProfiler.stopSampling')).profile
}

/** The whole heap. Stops the process for seconds and needs the same amount of memory again. */
async function sendHeapSnapshot(response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/json', ...asFile('heapsnapshot') })
  await pipeline(getHeapSnapshot(), response)
}

function asFile(extension: string) {
  return { 'content-disposition': `attachment; filename="operator.${extension}"` }
}
