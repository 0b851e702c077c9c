import { execa } from 'execa'
import { kubectl } from '../../e2e/cluster-under-test.ts'

/** A pod of a test that accepts connections on some ports. */
export interface Probe {
  namespace: string
  name: string
  labels: Readonly<Record<string, string>>
}

/** One end of a connection: an address or a name that the other end resolves. */
export interface Target {
  host: string
  port: number
}

const accept = `
  const { createServer } = require('node:net')
  for (const port of process.argv.slice(1)) createServer((socket) => socket.destroy()).listen(port)
`
/** Prints whether each connection was accepted within 3 s. */
const connect = `
  const { connect } = require('node:net')
  const opens = (target) => new Promise((resolve) => {
    const socket = connect({ ...target, timeout: 3000 })
    const end = (answer) => () => { socket.destroy(); resolve(answer) }
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false))
  })
  Promise.all(JSON.parse(process.argv[1]).map(opens)).then((answers) => console.log(JSON.stringify(answers)))
`

/** A pod with the server's image, because that contains Node. It passes the Pod Security level `restricted`. */
export function probePod({ namespace, name, labels }: Probe, image: string, ports: readonly number[]): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name, labels },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      securityContext: {
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
        sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }],
      },
      containers: [
        {
          name: 'probe',
          image,
          imagePullPolicy: 'IfNotPresent',
          command: ['node', '-e', accept, ...ports.map(String)],
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        },
      ],
    },
  }
}

/** Opens connections from a running pod whose image contains Node. @returns whether each was accepted */
export async function openFrom(
  { namespace, name }: Pick<Probe, 'namespace' | 'name'>,
  targets: readonly Target[],
): Promise<boolean[]> {
  const { binary, cluster } = kubectl()
  const node = ['node', '-e', connect, JSON.stringify(targets)]
  const { stdout } = await execa(binary, [...cluster, 'exec', '--namespace', namespace, name, '--', ...node])
  return JSON.parse(stdout)
}
