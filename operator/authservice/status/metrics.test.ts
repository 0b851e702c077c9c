import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { AuthServiceMetrics, type ObservedAuthService } from './metrics.ts'

const observed: ObservedAuthService = {
  namespace: 'team-a',
  name: 'accounts',
  environment: 'production',
  version: '1.0.0',
  strategy: 'BlueGreen',
  ready: true,
  openChecklistItems: 2,
  rolloutPhase: 'Stable',
  signingKey: { createdAt: new Date(1_000_000), nextRotationAt: undefined },
  certificateExpiresAt: new Date(2_000_000),
  backup: { lastScheduledAt: new Date(3_000_000), lastSuccessAt: undefined },
  secrets: [{ secret: 'accounts-redis', key: 'password', createdAt: new Date(500_000) }],
  lastRolloutOutcome: 'RolledBack',
}

/** Lines of the text format without comments. */
async function series(registry: Registry): Promise<string[]> {
  const text = await registry.metrics()
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}

test('an AuthService shows its version, readiness, open checklist items and dates', async () => {
  const registry = new Registry()
  new AuthServiceMetrics(registry).observe(observed)
  expect(await series(registry)).toEqual([
    'authservice_rollout_phase{namespace="team-a",name="accounts",phase="Stable"} 1',
    'authservice_rollout_last_outcome{namespace="team-a",name="accounts",outcome="RolledBack"} 1',
    'authservice_info{namespace="team-a",name="accounts",environment="production",version="1.0.0",strategy="BlueGreen"} 1',
    'authservice_ready{namespace="team-a",name="accounts"} 1',
    'authservice_checklist_open_items{namespace="team-a",name="accounts"} 2',
    'authservice_secret_rotation_timestamp_seconds{namespace="team-a",name="accounts",state="last"} 1000',
    'authservice_secret_created_timestamp_seconds{namespace="team-a",name="accounts",secret="accounts-redis",key="password"} 500',
    'authservice_certificate_expiry_timestamp_seconds{namespace="team-a",name="accounts"} 2000',
    'authservice_backup_last_schedule_timestamp_seconds{namespace="team-a",name="accounts"} 3000',
    'authservice_backup_last_success_timestamp_seconds{namespace="team-a",name="accounts"} 0',
  ])
})

test('a new version replaces the series of the old one', async () => {
  const registry = new Registry()
  const metrics = new AuthServiceMetrics(registry)
  metrics.observe(observed)
  metrics.observe({ ...observed, version: '1.1.0' })
  const info = (await series(registry)).filter((line) => line.startsWith('authservice_info'))
  expect(info).toEqual([expect.stringContaining('version="1.1.0"')])
})

test('a deleted AuthService leaves no series behind', async () => {
  const registry = new Registry()
  const metrics = new AuthServiceMetrics(registry)
  metrics.observe(observed)
  metrics.forget(observed)
  expect(await series(registry)).toEqual([])
})

test('an unknown date has no series', async () => {
  const registry = new Registry()
  const metrics = new AuthServiceMetrics(registry)
  metrics.observe(observed)
  metrics.observe({ ...observed, backup: undefined, certificateExpiresAt: undefined })
  expect((await series(registry)).filter((line) => /backup|certificate/.test(line))).toEqual([])
})

test('a successful rollout takes the place of a failed one, and a new key that of a removed one', async () => {
  const registry = new Registry()
  const metrics = new AuthServiceMetrics(registry)
  metrics.observe(observed)
  const secrets = [{ secret: 'accounts-keys', key: 'new', createdAt: new Date(600_000) }]
  metrics.observe({ ...observed, secrets, lastRolloutOutcome: 'Promoted' })
  expect((await series(registry)).filter((line) => /last_outcome|secret_created/.test(line))).toEqual([
    expect.stringContaining('outcome="Promoted"'),
    expect.stringContaining('key="new"'),
  ])
})
