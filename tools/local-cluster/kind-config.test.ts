import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { kindConfig } from './kind-config.ts'

test('the edge port of 127.0.0.1 leads to the node port of the quickstart', () => {
  const { nodes } = parse(kindConfig({ mode: 'published', nodes: 1, edgePort: 8444 }))
  expect(nodes).toEqual([
    {
      role: 'control-plane',
      extraPortMappings: [{ containerPort: 30443, hostPort: 8444, listenAddress: '127.0.0.1' }],
    },
  ])
})

test('further nodes are workers', () => {
  const { nodes } = parse(kindConfig({ mode: 'published', nodes: 3, edgePort: 8443 }))
  expect(nodes.map(({ role }: { role: string }) => role)).toEqual(['control-plane', 'worker', 'worker'])
})

test("only a cluster that is built from source disables kind's network add-on", () => {
  expect(parse(kindConfig({ mode: 'source', nodes: 1, edgePort: 8443 })).networking).toEqual({
    disableDefaultCNI: true,
  })
  expect(parse(kindConfig({ mode: 'published', nodes: 1, edgePort: 8443 })).networking).toBeUndefined()
})

test('containerd collects statistics every ten seconds, and runs no hook of kind', () => {
  const { containerdConfigPatches } = parse(kindConfig({ mode: 'source', nodes: 1, edgePort: 8443 }))
  expect(containerdConfigPatches.join('\n')).toMatch(/^ *stats_collect_period = "10s"$/m)
  expect(containerdConfigPatches.join('\n')).toMatch(/^ *base_runtime_spec = ""$/m)
})
