import { expect, test } from 'vitest'
import { readConfig } from '../../../config.ts'
import { resolveSpec } from '../../api/defaults.ts'
import type { AuthServiceSpec } from '../../api/schema.ts'
import { noExposure } from '../../model/exposure.ts'
import type { Snapshot } from '../../model/snapshot.ts'
import { render } from '../render.ts'

const metadata = { name: 'accounts', namespace: 'team-a', uid: 'uid', generation: 1 }

/** The children that an operator of a release renders, as the text that is applied. */
function childrenBy(release: { server: string; redis: string; mongodb?: string; nginx: string; helper: string }) {
  const spec: AuthServiceSpec = { environment: 'staging', mongodb: {}, redis: {}, ingress: { host: 'a.example.com' } }
  const { images } = readConfig({
    RELATED_IMAGE_API_SERVER: `example.com/api-server:${release.server}`,
    DEFAULT_IMAGE_HELPER: `example.com/api-server:${release.helper}`,
    RELATED_IMAGE_REDIS: `example.com/redis:${release.redis}`,
    RELATED_IMAGE_MONGODB: `example.com/mongo:${release.mongodb ?? '8.0'}`,
    RELATED_IMAGE_NGINX: `example.com/nginx:${release.nginx}`,
    POD_NAME: 'operator-1',
    POD_NAMESPACE: 'system',
  })
  const authService = { apiVersion: 'auth-operator.dev/v1alpha1', kind: 'AuthService', metadata, spec } as const
  const found = { authService, resolved: resolveSpec(authService), exposure: noExposure, referencedSecrets: new Map() }
  // On an empty cluster; rendering reads nothing else of a snapshot.
  const snapshot = { ...found, children: [], pods: [], endpointSlices: [] } as unknown as Snapshot
  const children = render(snapshot, images, [], undefined).childrenFor({
    activeColor: 'blue',
    previewColor: undefined,
    colors: {},
    revisions: [],
    smokeTest: undefined,
    migration: undefined,
    contraction: undefined,
  })
  return new Map(children.map((child) => [`${child.kind} ${child.metadata.name}`, child]))
}

function podOf(children: ReturnType<typeof childrenBy>): string {
  // The Kubernetes API defines this shape for a StatefulSet.
  const { spec } = children.get('StatefulSet accounts-mongodb') as unknown as { spec: { template: object } }
  return JSON.stringify(spec.template)
}

const before = { server: '0.1.0', helper: '0.1.0', redis: '8.0', nginx: '1.30' }

test('an upgrade of the operator restarts no managed MongoDB: its pod is byte for byte the same', () => {
  const upgraded = { ...before, server: '0.2.0', redis: '8.2', nginx: '1.31' }
  expect(podOf(childrenBy(upgraded))).toBe(podOf(childrenBy(before)))
  const redis = (of: typeof before) => JSON.stringify(childrenBy(of).get('StatefulSet accounts-redis'))
  expect(redis(upgraded), 'the upgrade changes other pods').not.toBe(redis(before))
})

test.each([
  ['MongoDB', { ...before, mongodb: '8.2' }],
  ['what sets it up', { ...before, helper: '0.2.0' }],
])('another image of %s is another pod of MongoDB', (_, release) => {
  expect(podOf(childrenBy(release))).not.toBe(podOf(childrenBy(before)))
})
