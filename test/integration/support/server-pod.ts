import { createServer } from 'node:http'
import { fileRevision } from '../../../contract/file-revision.ts'
import { clientsAnnotation } from '../../../operator/authservice/model/labels.ts'
import type { Live, Namespace } from './namespace.ts'

/** An address of its own with the port of a pod is possible only where all of 127.0.0.0/8 is local. */
export const hasServerPods = process.platform === 'linux'

type SecretObject = Live & { data?: Record<string, string> }

/**
 * A ready server pod of an AuthService, which reports the OpenID clients that it has loaded. An API server alone has no
 * kubelets. Without `hasServerPods`, the pod does not answer.
 */
export class ServerPod {
  readonly name: string
  /** Whether it has the clients of the Secret at once, as from a kubelet; otherwise it keeps those that it has. */
  follows = true
  readonly #namespace: Namespace
  readonly #authService: string
  readonly #http = createServer((_, response) => {
    this.#report().then(
      (report) => response.end(JSON.stringify(report)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  #revision = fileRevision('')

  private constructor(namespace: Namespace, authService: string) {
    this.#namespace = namespace
    this.#authService = authService
    this.name = `${authService}-blue-5d5f8-x`
  }

  static async run(namespace: Namespace, authService: string, podIP: string): Promise<ServerPod> {
    const pod = new ServerPod(namespace, authService)
    if (hasServerPods) await new Promise<void>((listening) => pod.#http.listen(9090, podIP, listening))
    const labels = {
      'app.kubernetes.io/managed-by': 'authservice-operator',
      'app.kubernetes.io/instance': authService,
      'app.kubernetes.io/component': 'server',
      'auth-operator.dev/color': 'blue',
    }
    const spec = { containers: [{ name: 'server', image: 'example.com/server' }] }
    await namespace.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: pod.name, labels }, spec })
    const conditions = [{ type: 'Ready', status: 'True' }]
    const status = { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions }
    await namespace.patch('Pod', pod.name, { status }, 'status')
    return pod
  }

  /** The revision for which the kubelet was asked to update its volumes. */
  async refreshedFor(): Promise<string | undefined> {
    return (await this.#namespace.get('Pod', this.name))?.metadata.annotations?.[clientsAnnotation]
  }

  /** The revision of the clients in the Secret. */
  async wantedRevision(): Promise<string> {
    const data = (await this.#namespace.get<SecretObject>('Secret', `${this.#authService}-oidc-clients`))?.data
    return fileRevision(Buffer.from(data?.['clients.json'] ?? '', 'base64').toString('utf8'))
  }

  close(): void {
    this.#http.close()
  }

  async #report(): Promise<object> {
    if (this.follows) this.#revision = await this.wantedRevision()
    return { problems: [], mongodb: { up: true }, redis: { up: true }, oidcClients: this.#revision }
  }
}
