import { expect, test } from 'vitest'
import { resolveSpec } from '../../../operator/authservice/api/defaults.ts'
import type { Snapshot } from '../../../operator/authservice/model/snapshot.ts'
import { watchTraffic } from '../../../operator/authservice/rollout/analysis/watch.ts'

const labels = { 'app.kubernetes.io/component': 'server', 'auth-operator.dev/revision': 'r2' }
const judged = (container: string) => {
  const metadata = { name: 'accounts', namespace: 'team', uid: 'u', generation: 1 }
  const spec = { environment: 'development', mongodb: {}, redis: {} } as const
  const rollout = { phase: 'Verifying', revision: 'r2' }
  const ended = { name: container, restartCount: 1, lastState: { terminated: { reason: 'OOMKilled' } } }
  const containerStatuses = [{ name: 'server', restartCount: 0 }, ended]
  // The parts of a snapshot that the analysis reads.
  return watchTraffic({
    authService: { metadata, spec, status: { rollout } },
    resolved: resolveSpec({ metadata, spec }),
    pods: [{ metadata: { name: 'accounts-green-x', labels }, status: { containerStatuses } }],
    serverMetrics: new Map([['accounts-green-x', '']]),
    prometheus: undefined,
  } as unknown as Snapshot)
}

test('the analysis ignores a terminated sidecar, and fails the revision for a terminated server', () => {
  expect(judged('istio-proxy')).toMatchObject({ verdict: 'noVerdict' })
  expect(judged('server')).toMatchObject({ verdict: 'fail', message: expect.stringContaining('OOMKilled') })
})
