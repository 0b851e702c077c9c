import { expect, onTestFinished, test } from 'vitest'
import { namespace } from '../../bench/rollouts/bench-service.ts'
import { createSpread } from '../../bench/rollouts/placement.ts'
import { podsOn } from '../../bench/rollouts/pods.ts'
import { Sessions } from '../../bench/rollouts/sessions.ts'
import { isReady } from '../../bench/rollouts/status-watch.ts'
import { defaultRates, Traffic } from '../../bench/rollouts/traffic.ts'
import { EdgeClient } from '../../tools/cluster-client/edge-client.ts'
import { drain, placesOf, uncordon } from '../../tools/cluster-client/nodes.ts'
import { replaceRestartedPods } from '../../tools/cluster-client/operator-pods.ts'
import { runningCluster } from '../../tools/local-cluster/cluster.ts'
import { removeNamespace } from '../e2e/cluster-under-test.ts'

const oneNode = 'the drain needs a second node: npm run cluster -- up --nodes 3'

/** The analysis window. The drain begins within it. */
const windowSeconds = 30

/**
 * Uses the AuthService of the benchmark, which has PodDisruptionBudgets, two edge pods and pods on every node. Clients
 * use the node port, because a port-forward would end with its edge pod.
 */
test('a node drain in the middle of a rollout fails no request, and the rollout is promoted', {
  timeout: 900_000,
}, async ({ skip }) => {
  const cluster = await runningCluster()
  const [node] = (await placesOf(cluster)).others
  if (node === undefined) {
    console.warn(`Skipped: ${oneNode}`)
    return skip(oneNode)
  }
  await replaceRestartedPods(cluster)
  onTestFinished(() => removeNamespace(namespace))
  const service = await createSpread(cluster)
  onTestFinished(() => service.close())
  expect(await podsOn(cluster, node, 'mongodb', 'redis'), 'databases on the drained node').toEqual([])
  const edge = new EdgeClient(service.address)
  const sessions = await Sessions.open(edge, 40).finally(() => edge.close())

  const traffic = new Traffic({ address: service.address, sessions, during: () => service.describe() })
  traffic.start(defaultRates)
  try {
    const { currentRevision: before } = service.status
    const analysis = { windowSeconds, maxP99LatencyMilliseconds: 10_000 }
    await service.patch({ pod: { annotations: { 'example.com/revision': 'drained' } }, rollout: { analysis } })
    await service.waitUntil(
      'verifying',
      ({ rollout }) => rollout?.phase === 'Verifying' && rollout.revision !== before,
      180,
    )
    const { activeColor, rollout: disturbed } = service.status
    const leaving = await podsOn(cluster, node, 'server', 'edge')
    const live = expect.stringContaining(`-${activeColor}-`)
    expect(leaving, 'pods on the drained node').toEqual(expect.arrayContaining([live]))
    onTestFinished(() => uncordon(cluster, node))
    expect(service.status.rollout?.phase).toBe('Verifying')
    await drain(cluster, node)
    await service.waitUntil(
      'at the end of the rollout',
      ({ rollout }) => /^(Retiring|Stable)$/.test(rollout?.phase ?? ''),
      120,
    )
    expect(service.status).toMatchObject({
      activeColor,
      currentRevision: disturbed?.revision,
      rollout: { revision: disturbed?.revision, lastOutcome: 'Promoted' },
    })
    await service.waitUntil('ready', isReady, 120)
    expect(await podsOn(cluster, node, 'server', 'edge')).toEqual([])
  } finally {
    await traffic.stop()
  }
  expect(traffic.tally.failures).toEqual([])
  expect(traffic.tally.requests).toBeGreaterThan(1_000)
})
