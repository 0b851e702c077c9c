import { expect, onTestFinished, test } from 'vitest'
import { EdgeClient } from '../../scripts/demo/edge-client.ts'
import { isReady, namespace } from '../bench/rollouts/bench-service.ts'
import { freshOperator, podsOn } from '../bench/rollouts/disturbances.ts'
import { drain, placesOf, uncordon } from '../bench/rollouts/nodes.ts'
import { createSpread } from '../bench/rollouts/placement.ts'
import { Sessions } from '../bench/rollouts/sessions.ts'
import { defaultRates, Traffic } from '../bench/rollouts/traffic.ts'
import { runningCluster } from '../cluster/cluster.ts'
import { removeNamespace } from '../e2e/cluster-under-test.ts'

const oneNode = 'a drain needs a second node: npm run cluster -- up --nodes 3'

/** So long the live traffic is watched: the drain begins within it. */
const windowSeconds = 30

/**
 * The AuthService of the bench: in its settings there are budgets, two edge pods and pods on every node. Clients come in
 * by the node port, since a forwarded port would end with its edge pod.
 */
test('a node that is drained in the middle of a rollout fails no request, and the rollout ends Promoted', {
  timeout: 900_000,
}, async ({ skip }) => {
  const cluster = await runningCluster()
  const [node] = (await placesOf(cluster)).others
  if (node === undefined) {
    console.warn(`Skipped: ${oneNode}`)
    return skip(oneNode)
  }
  await freshOperator(cluster)
  onTestFinished(() => removeNamespace(namespace))
  const service = await createSpread(cluster)
  onTestFinished(() => service.close())
  expect(await podsOn(cluster, node, 'mongodb', 'redis'), 'databases on the node that is drained').toEqual([])
  const edge = new EdgeClient(service.address)
  const sessions = await Sessions.open(edge, 40).finally(() => edge.close())

  const traffic = new Traffic(service.address, sessions, () => service.describe())
  traffic.start(defaultRates)
  try {
    const { currentRevision: before } = service.status
    const analysis = { windowSeconds, maxP99LatencyMilliseconds: 10_000 }
    await service.patch({ pod: { annotations: { 'example.com/revision': 'drained' } }, rollout: { analysis } })
    await service.until(
      'verifying',
      ({ rollout }) => rollout?.phase === 'Verifying' && rollout.revision !== before,
      180,
    )
    const { activeColor, rollout: disturbed } = service.status
    const leaving = await podsOn(cluster, node, 'server', 'edge')
    const live = expect.stringContaining(`-${activeColor}-`)
    expect(leaving, 'pods that the drain moves').toEqual(expect.arrayContaining([live]))
    onTestFinished(() => uncordon(cluster, node))
    expect(service.status.rollout?.phase).toBe('Verifying')
    await drain(cluster, node)
    await service.until('at an end', ({ rollout }) => /^(Retiring|Stable)$/.test(rollout?.phase ?? ''), 120)
    expect(service.status).toMatchObject({
      activeColor,
      currentRevision: disturbed?.revision,
      rollout: { revision: disturbed?.revision, lastOutcome: 'Promoted' },
    })
    await service.until('whole', isReady, 120)
    expect(await podsOn(cluster, node, 'server', 'edge')).toEqual([])
  } finally {
    await traffic.stop()
  }
  expect(traffic.tally.failures).toEqual([])
  expect(traffic.tally.requests).toBeGreaterThan(1_000)
})
