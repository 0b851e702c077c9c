import { expect, test } from 'vitest'
import { resolveSpec } from '../../api/defaults.ts'
import type { AuthServiceSpec } from '../../api/schema.ts'
import type { RenderInput } from '../render-input.ts'
import { renderSmokeTest } from './smoke-test.ts'

type Mfa = NonNullable<AuthServiceSpec['mfa']>

function environmentFor(mfa: Mfa): Record<string, string> {
  const metadata = { name: 'accounts', namespace: 'team-a' }
  const spec: AuthServiceSpec = { environment: 'staging', mongodb: {}, redis: {}, mfa }
  const placement = { smokeTest: { name: 'accounts-smoke-1', image: 'example.com/api-server:1', unshared: [] } }
  const input = { owner: metadata, resolved: resolveSpec({ metadata, spec }), placement }
  // A smoke test reads nothing else.
  const [job] = renderSmokeTest(input as unknown as RenderInput)
  // The Kubernetes API defines this shape for a Job.
  const { spec: rendered } = job as unknown as {
    spec: { template: { spec: { containers: { env: { name: string; value: string }[] }[] } } }
  }
  return Object.fromEntries(rendered.template.spec.containers[0]?.env.map(({ name, value }) => [name, value]) ?? [])
}

const only = { totp: { enabled: false }, passkeys: { enabled: true } }

test.each<[string, Mfa, string | undefined]>([
  ['everyone', { ...only, mode: 'Required' }, 'true'],
  ['users, but not administrators', { ...only, mode: 'Optional', requiredRoles: ['user'] }, 'true'],
  ['administrators, whom the test does not create', { ...only, mode: 'Optional', requiredRoles: ['admin'] }, undefined],
  ['nobody', { ...only, mode: 'Optional' }, undefined],
  ['everyone, or an app instead', { ...only, totp: { enabled: true }, mode: 'Required' }, undefined],
  ['everyone, while second factors are disabled', { ...only, mode: 'Disabled' }, undefined],
])('the test is told that a passkey is required of %s: %o', (_, mfa, expected) => {
  expect(environmentFor(mfa)['NEEDS_PASSKEY']).toBe(expected)
})
