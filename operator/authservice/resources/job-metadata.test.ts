import { secretKeys } from '@authservice-operator/contract/database-secrets.ts'
import { expect, test } from 'vitest'
import { outcomeOf } from '../../../test/unit/spec-fields/effects.ts'
import { managed } from '../../../test/unit/spec-fields/expectations.ts'
import { resolveSpec } from '../api/defaults.ts'
import type { AuthServiceSpec } from '../api/spec.ts'
import type { SecretData } from '../model/secret-data.ts'
import { smokeTestName } from '../rollout/observe/smoke-test.ts'
import { secretNames } from '../secrets/names.ts'
import { rotationJobName } from './databases/password-rotation.ts'

const meshed: AuthServiceSpec = {
  ...managed,
  pod: { labels: { 'sidecar.istio.io/inject': 'true' }, annotations: { 'linkerd.io/inject': 'enabled' } },
  backup: { schedule: '0 3 * * *', destination: { persistentVolumeClaim: { claimName: 'backups' } } },
}
const apart = { labels: { 'sidecar.istio.io/inject': 'false' }, annotations: { 'linkerd.io/inject': 'disabled' } }

/** The mesh labels and annotations of each kind of object. */
function injected(spec: AuthServiceSpec): string[] {
  const found = [...outcomeOf(spec, new Map()).outcome].filter(([path]) => path.includes('/inject'))
  return found.map(([path, value]) => `${path.split(' ')[0]} ${path.split('.').at(-1)}: ${value}`).sort()
}

test('servers in a mesh do not add Jobs to it, whose sidecar would prevent them from completing', () => {
  expect(injected(meshed)).toEqual(['Deployment io/inject: enabled', 'Deployment io/inject: true'])
})

test('Jobs and backups stay out of a mesh by their own labels and annotations, and servers stay in it', () => {
  expect(injected({ ...meshed, jobs: apart })).toEqual([
    'CronJob io/inject: disabled',
    'CronJob io/inject: false',
    'Deployment io/inject: enabled',
    'Deployment io/inject: true',
    'Job io/inject: disabled',
    'Job io/inject: false',
  ])
})

test('a smoke test or password rotation that a sidecar prevents from completing is recreated without it', () => {
  const names = (jobs: AuthServiceSpec['jobs']) => {
    const authService = {
      apiVersion: 'auth-operator.dev/v1alpha1',
      kind: 'AuthService',
      metadata: { name: 'accounts', namespace: 'team-a', uid: 'uid', generation: 1 },
      spec: { ...meshed, ...(jobs !== undefined && { jobs }) },
    } as const
    const resolved = resolveSpec(authService)
    const secrets = new Map<string, SecretData>([
      [secretNames('accounts').mongodb, { [secretKeys.rotation]: 'adding:1' }],
    ])
    return [
      smokeTestName(
        { authService, resolved },
        { revision: 'r1', startedAt: new Date('2026-11-28T12:00:00Z'), retest: undefined },
      ),
      rotationJobName('accounts', secrets, resolved),
    ]
  }
  const stuck = names(undefined)
  expect(names({ resources: { limits: { cpu: '1' } } }), 'resources alone restart nothing').toEqual(stuck)
  for (const jobs of [{ labels: apart.labels }, { annotations: apart.annotations }]) {
    const again = names(jobs)
    expect(again.filter((name) => name === undefined || stuck.includes(name))).toEqual([])
  }
})
