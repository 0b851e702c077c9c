import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { ClusterError } from '../programs/failure.ts'
import type { Cluster } from './cluster.ts'
import { askDocker, type Docker, nodeContainers } from './docker.ts'

/**
 * Has the nodes pull images of these registries from one on 127.0.0.1 of this machine, until `close`. A proxy listens on
 * this machine's address in the network of the nodes, which does not exist with Docker Desktop.
 *
 * @param hosts registries by their names in image references, such as `ghcr.io`
 * @throws {ClusterError} when this machine has no such address, or a node cannot be configured
 */
export async function pullFrom(
  { docker, name }: Pick<Cluster, 'docker' | 'name'>,
  hosts: readonly string[],
  port: number,
): Promise<{ close(): Promise<void> }> {
  const { running } = await nodeContainers(docker, name)
  const [node = ''] = running
  const proxy = await startProxy(await gatewayOf(docker, node), port)
  const url = `http://${proxy.address}`
  for (const each of running) {
    for (const host of hosts) await configure(docker, each, host, hostsFile(url))
  }
  return { close: () => proxy.close() }
}

/** @see https://github.com/containerd/containerd/blob/main/docs/hosts.md */
export function hostsFile(url: string): string {
  return `server = "${url}"\n\n[host."${url}"]\n  capabilities = ["pull", "resolve"]\n`
}

/** The address by which a node reaches this machine. */
async function gatewayOf(docker: Docker, node: string): Promise<string> {
  const format = '{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}'
  const gateway = (await askDocker(docker, ['inspect', '--format', format, node]))?.trim()
  if (gateway) return gateway
  throw new ClusterError(`The node ${node} has no gateway: run "npm run cluster -- up", then this again.`)
}

async function configure(docker: Docker, node: string, host: string, content: string): Promise<void> {
  const script = 'mkdir -p "$1" && printf %s "$2" >"$1/hosts.toml"'
  const folder = `/etc/containerd/certs.d/${host}`
  const done = await askDocker(docker, ['exec', node, 'sh', '-c', script, 'sh', folder, content])
  if (done === undefined) throw new ClusterError(`${folder}/hosts.toml could not be written on the node ${node}.`)
}

/** Forwards connections to a port of the loopback interface. */
async function startProxy(address: string, port: number): Promise<{ address: string; close(): Promise<void> }> {
  const server: Server = createServer((client) => {
    const upstream = connect({ host: '127.0.0.1', port })
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    client.on('error', end).pipe(upstream)
    upstream.on('error', end).pipe(client)
  })
  server.listen({ host: address, port: 0 })
  await once(server, 'listening')
  const { port: own } = server.address() as AddressInfo // a TCP server has no other kind of address
  const close = async () => {
    server.close()
  }
  return { address: `${address}:${own}`, close }
}
