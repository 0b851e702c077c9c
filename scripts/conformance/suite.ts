import { connect, getCACertificates, setDefaultCACertificates } from 'node:tls'

/** A plan of the suite with what it needs to know of the provider. */
export interface Plan {
  name: string
  variant: Record<string, string>
  config: object
}

/** A test of a plan. */
interface Module {
  testModule: string
  variant?: Record<string, string>
}

/** How a test ended. `did not end`: it waits for something that did not happen. */
export type ModuleResult = 'PASSED' | 'WARNING' | 'REVIEW' | 'SKIPPED' | 'FAILED' | 'did not end'

export interface ModuleOutcome {
  module: string
  result: ModuleResult
  /** Conditions that failed or gave a warning. */
  conditions: string[]
}

const pollMilliseconds = 500
/** A test waits for codes and requests to expire. */
const maxModuleMilliseconds = 300_000

/** The REST interface of a running conformance suite. */
export class ConformanceSuite {
  readonly #base: string

  /** @param base URL, such as https://localhost:8443 */
  constructor(base: string) {
    this.#base = base
  }

  /** Runs the tests of a plan one after another, because they share the login of a browser. */
  async run({ name, variant, config }: Plan, onOutcome: (outcome: ModuleOutcome) => void): Promise<ModuleOutcome[]> {
    const query = new URLSearchParams({ planName: name, variant: JSON.stringify(variant) })
    const plan = await this.#post<{ id: string; modules: Module[] }>(`api/plan?${query}`, config)
    const outcomes: ModuleOutcome[] = []
    for (const module of plan.modules) {
      const outcome = await this.#runModule(plan.id, module)
      onOutcome(outcome)
      outcomes.push(outcome)
    }
    return outcomes
  }

  async #runModule(plan: string, { testModule, variant = {} }: Module): Promise<ModuleOutcome> {
    const query = new URLSearchParams({ test: testModule, plan, variant: JSON.stringify(variant) })
    const { id } = await this.#post<{ id: string }>(`api/runner?${query}`)
    const result = await this.#untilEnded(id)
    return { module: testModule, result, conditions: result === 'PASSED' ? [] : await this.#faults(id) }
  }

  async #untilEnded(id: string): Promise<ModuleResult> {
    const deadline = performance.now() + maxModuleMilliseconds
    let hasStarted = false
    while (performance.now() < deadline) {
      const { status, result } = await this.#get<{ status: string; result: ModuleResult | null }>(`api/info/${id}`)
      if (status === 'FINISHED' && result !== null) return result
      if (status === 'INTERRUPTED') return 'FAILED'
      if (status === 'CONFIGURED' && !hasStarted) {
        hasStarted = true
        await this.#post(`api/runner/${id}`)
      }
      await new Promise((next) => setTimeout(next, pollMilliseconds))
    }
    await fetch(`${this.#base}/api/runner/${id}`, { method: 'DELETE' })
    return 'did not end'
  }

  async #faults(id: string): Promise<string[]> {
    const log = await this.#get<{ result?: string; src?: string; msg?: string }[]>(`api/log/${id}`)
    return log
      .filter(({ result }) => result === 'FAILURE' || result === 'WARNING')
      .map(({ result, src, msg }) => `${result} ${src}: ${msg}`)
  }

  #get<Answer>(path: string): Promise<Answer> {
    return this.#request(path, {})
  }

  #post<Answer>(path: string, content?: object): Promise<Answer> {
    const body = content === undefined ? undefined : JSON.stringify(content)
    return this.#request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      ...(body !== undefined && { body }),
    })
  }

  async #request<Answer>(path: string, init: RequestInit): Promise<Answer> {
    const answer = await fetch(`${this.#base}/${path}`, init)
    if (!answer.ok)
      throw new Error(`the conformance suite answered ${answer.status} to ${path}: ${await answer.text()}`)
    // The types of its answers are those of this program.
    return (await answer.json()) as Answer
  }
}

/**
 * Makes this process trust the certificate that a host on this machine shows, which the suite has signed itself. The
 * server sends logout tokens there.
 */
export async function trustCertificateOf(url: string): Promise<void> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port || 443), servername: hostname, rejectUnauthorized: false })
  try {
    await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
    const { raw } = socket.getPeerCertificate()
    const pem = `-----BEGIN CERTIFICATE-----\n${raw.toString('base64')}\n-----END CERTIFICATE-----\n`
    setDefaultCACertificates([...getCACertificates('default'), pem])
  } finally {
    socket.destroy()
  }
}
