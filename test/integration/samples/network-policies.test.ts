import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { checker } from '../../../tools/checkers/go-checkers.ts'
import { type Endpoint, mayConnect, type Policy } from '../../unit/network-policy/evaluate.ts'
import { endpoints, policiesOf, ports, specs } from '../../unit/network-policy/examples.ts'

const run = promisify(execFile)
let cyclonus = ''
let folder = ''
beforeAll(async () => {
  cyclonus = await checker('cyclonus')
  folder = await mkdtemp(join(tmpdir(), 'authservice-policies-'))
}, 600_000)
afterAll(() => rm(folder, { recursive: true }))

const connections = endpoints.flatMap((from) =>
  endpoints.filter((to) => to !== from).flatMap((to) => ports.map((port) => ({ from, to, port }))),
)

/** Asks cyclonus whether the policies allow each connection. */
async function askCyclonus(policies: readonly Policy[]): Promise<boolean[]> {
  const peer = (endpoint: Endpoint, index: number) =>
    'labels' in endpoint
      ? {
          IP: `10.1.1.${index + 1}`,
          Internal: {
            PodLabels: endpoint.labels,
            NamespaceLabels: endpoint.namespaceLabels,
            Namespace: endpoint.namespace,
          },
        }
      : { IP: endpoint.address }
  const traffic = connections.map(({ from, to, port }) => ({
    Source: peer(from, endpoints.indexOf(from)),
    Destination: peer(to, endpoints.indexOf(to)),
    Protocol: port.protocol,
    ResolvedPort: port.port,
  }))
  const policyPath = await mkdtemp(join(folder, 'policies-'))
  const trafficPath = join(folder, 'traffic.json')
  // cyclonus reads one policy per file.
  await Promise.all(policies.map((policy, index) => writeFile(join(policyPath, `${index}.yaml`), stringify(policy))))
  await writeFile(trafficPath, JSON.stringify(traffic))
  const files = ['--policy-path', policyPath, '--traffic-path', trafficPath]
  const { stdout } = await run(cyclonus, ['analyze', '--mode', 'query-traffic', ...files], {
    maxBuffer: 256 * 1024 * 1024,
  })
  return [...stdout.matchAll(/IS ALLOWED\? \|\s+(TRUE|FALSE)/g)].map(([, answer]) => answer === 'TRUE')
}

test.each(Object.entries(specs))('with %s, cyclonus agrees about each connection of the table', async (_, spec) => {
  const policies = policiesOf(spec)
  const theirs = await askCyclonus(policies)
  const name = ({ from, to, port }: (typeof connections)[number]) => `${from.name} > ${to.name} ${port.port}`
  const ours = connections.map(({ from, to, port }) => mayConnect(policies, from, to, port))
  expect(theirs).toHaveLength(connections.length)
  const open = (answers: boolean[]) => connections.filter((_, index) => answers[index]).map(name)
  expect(open(ours)).toEqual(open(theirs))
})
