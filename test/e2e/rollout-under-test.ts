import { expect } from 'vitest'
import { EdgeClient } from '../../tools/cluster-client/edge-client.ts'
import { forwardPort, type PortForward } from '../../tools/cluster-client/port-forward.ts'
import { readQuickstart } from '../../tools/cluster-client/quickstart.ts'
import { apply, freshNamespace, kubectl, removeNamespace, sample } from './cluster-under-test.ts'

interface RolloutStatus {
  activeColor: string
  currentRevision: string
  rollout: Record<string, unknown> & { phase: string; revision: string }
}

/**
 * The AuthService of rollout tests: two servers per colour, a short analysis window, and an edge behind a port-forward.
 */
export class RolloutUnderTest {
  readonly edge: EdgeClient
  readonly #namespace: string
  readonly #name: string
  readonly #forward: PortForward

  private constructor(at: { namespace: string; name: string }, edge: EdgeClient, forward: PortForward) {
    this.#namespace = at.namespace
    this.#name = at.name
    this.edge = edge
    this.#forward = forward
  }

  /**
   * Creates it in its own namespace and waits until it is ready.
   * @param analysis overrides settings of the analysis @param more fields of the spec
   */
  static async create(
    namespace: string,
    name: string,
    analysis: object = {},
    more: object = {},
  ): Promise<RolloutUnderTest> {
    const { host } = await readQuickstart(namespace)
    await freshNamespace(namespace)
    const manifest = await sample('quickstart.yaml')
    manifest.metadata.name = name
    manifest.spec['replicas'] = 2
    manifest.spec['ingress'] = { type: 'Nginx', host, nginx: { serviceType: 'ClusterIP' } }
    manifest.spec['rateLimits'] = { perClient: '10000/s', burst: 1000, login: '6000/m', register: '600/m' }
    manifest.spec['rollout'] = {
      strategy: 'BlueGreen',
      minReadySeconds: 1,
      progressDeadlineSeconds: 180,
      smokeTest: { enabled: true, timeoutSeconds: 60 },
      analysis: { enabled: true, windowSeconds: 10, minRequests: 10, maxP99LatencyMilliseconds: 10_000, ...analysis },
      blueGreen: { promotion: 'Auto', scaleDownDelaySeconds: 120 },
    }
    await apply(namespace, { ...manifest, spec: { ...manifest.spec, ...more } })
    const ready = ['wait', '--for=condition=Ready', `authservice/${name}`, '--namespace', namespace, '--timeout=150s']
    await kubectl().run(ready, { timeoutSeconds: 160 })
    const forward = await forwardPort(kubectl(), { namespace, target: `service/${name}-edge`, port: 443 })
    const secret = await kubectl().json<{ data: Record<string, string> }>([
      'get',
      'secret',
      `${name}-edge-tls`,
      '--namespace',
      namespace,
    ])
    const ca = Buffer.from(secret.data['ca.crt'] ?? '', 'base64').toString('utf8')
    const edge = new EdgeClient({ host, ip: '127.0.0.1', port: forward.port, ca })
    return new RolloutUnderTest({ namespace, name }, edge, forward)
  }

  async remove(): Promise<void> {
    await this.edge.close()
    await this.#forward.close()
    await removeNamespace(this.#namespace)
  }

  async status(): Promise<RolloutStatus> {
    const { status } = await kubectl().json<{ status: RolloutStatus }>([
      'get',
      'authservice',
      this.#name,
      '--namespace',
      this.#namespace,
    ])
    return status
  }

  /** Waits until `status.rollout` matches. */
  async until(expected: object, timeoutSeconds = 200): Promise<void> {
    await expect
      .poll(async () => (await this.status()).rollout, {
        timeout: timeoutSeconds * 1000,
        interval: 1000,
        message: 'status.rollout',
      })
      .toMatchObject(expected)
  }

  async patch(spec: object): Promise<void> {
    await kubectl().run([
      'patch',
      `authservice/${this.#name}`,
      '--namespace',
      this.#namespace,
      '--type=merge',
      '--patch',
      JSON.stringify({ spec }),
    ])
  }

  async annotate(action: string, value: string): Promise<void> {
    await kubectl().run([
      'annotate',
      `authservice/${this.#name}`,
      '--namespace',
      this.#namespace,
      '--overwrite',
      `auth-operator.dev/${action}=${value}`,
    ])
  }

  /** The names of all objects of a kind. */
  async names(kind: string): Promise<string[]> {
    return (await kubectl().run(['get', kind, '--namespace', this.#namespace, '--output=name'])).split('\n')
  }
}
