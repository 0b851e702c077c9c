import { expect, test } from 'vitest'
import { colorLabel, componentLabel } from '../model/labels.ts'
import type { LabelledPod } from '../model/observed-objects.ts'
import { loadedClientsOf } from './loaded-clients.ts'

const revision = 'a'.repeat(64)

function podOf(
  name: string,
  { color = 'blue', component = 'server', ready = 'True', isDeleted = false } = {},
): LabelledPod {
  const labels = { [componentLabel]: component, [colorLabel]: color }
  return {
    metadata: { name, labels, ...(isDeleted && { deletionTimestamp: '2026-12-01T12:00:00Z' }) },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready }] },
  }
}

test('only ready servers of the colour with the traffic count, and those that do not answer do not say', () => {
  const pods = [
    podOf('reports'),
    podOf('silent'),
    podOf('starts', { ready: 'False' }),
    podOf('ends', { isDeleted: true }),
    podOf('green', { color: 'green' }),
    podOf('redis', { component: 'redis' }),
  ]
  const report = { problems: [], mongodb: { up: true }, redis: { up: true }, oidcClients: revision }
  const reports = new Map(['reports', 'starts', 'green'].map((name) => [name, report]))
  expect(loadedClientsOf({}, pods, reports)).toEqual([
    { pod: 'reports', revision },
    { pod: 'silent', revision: undefined },
  ])
  const green = { status: { activeColor: 'green' as const } }
  expect(loadedClientsOf(green, pods, reports)).toEqual([{ pod: 'green', revision }])
})
