import { describe, expect, test } from 'vitest'
import {
  withIdentityOnly,
  withOwnAnnotations,
  withoutBulk,
  withReasonsOnly,
  withTargetsOnly,
} from './cache-transforms.ts'
import { PackedChildren } from './packed-children.ts'

const metadata = { name: 'accounts-blue-1', namespace: 'team-a', uid: 'u', resourceVersion: '1' }

test('of a pod and of an EndpointSlice, the fields that decisions read are kept', () => {
  const state = { terminated: { reason: 'Error', exitCode: 1 } }
  const container = { name: 'server', image: 'i', ready: true, restartCount: 1, state, lastState: {}, containerID: 'x' }
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    status: { phase: 'Running', podIP: '10.0.0.1', hostIP: '10.0.0.2', containerStatuses: [container] },
  }
  const { containerID: _, ...kept } = container
  expect(withReasonsOnly(pod)).toStrictEqual({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    status: { phase: 'Running', podIP: '10.0.0.1', containerStatuses: [kept] },
  })

  const endpoint = { conditions: { ready: true }, zone: 'a' }
  const slice = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, endpoints: [endpoint] }
  expect(withTargetsOnly(slice)).toStrictEqual({ ...slice, endpoints: [{ conditions: endpoint.conditions }] })
})

test('of an AuthService, everything but labels and annotations of others is kept', () => {
  const own = { 'auth-operator.dev/rotate-keys': 'monday' }
  const authService = {
    apiVersion: 'auth-operator.dev/v1alpha1' as const,
    kind: 'AuthService' as const,
    metadata: { ...metadata, generation: 1, creationTimestamp: '2026-12-01T12:00:00Z', annotations: own },
    spec: { mongodb: {}, redis: {} },
    status: { observedGeneration: 1 },
  }
  const others = { 'kubectl.kubernetes.io/last-applied-configuration': 'v'.repeat(250_000) }
  const marked = { ...authService.metadata, labels: { team: 'a' }, annotations: { ...others, ...own } }
  expect(withOwnAnnotations({ ...authService, metadata: marked })).toStrictEqual(authService)
})

describe('of an object as long as the API server allows, little is kept', () => {
  const lengthOf = (kept: unknown) => JSON.stringify(kept).length
  const owners = Array.from({ length: 2_800 }, (_, index) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name: 'o'.repeat(220) + index,
    uid: '00000000-0000-0000-0000-000000000000',
  }))
  const owner = { apiVersion: 'g/v1', kind: 'AuthService', name: 'accounts', uid: 'u-1', controller: true }
  const manyLabels = Object.fromEntries(
    Array.from({ length: 7_000 }, (_, index) => [`app.kubernetes.io/${'k'.repeat(50)}${index}`, 'v'.repeat(60)]),
  )
  const labels = { ...manyLabels, 'app.kubernetes.io/instance': 'accounts', 'auth-operator.dev/revision': 'r1' }
  const child = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...metadata, labels } }

  test('whatever other owners it has', () => {
    const orphan = { ...child, metadata: { ...metadata, ownerReferences: owners } }
    expect(lengthOf(withIdentityOnly(orphan))).toBeLessThan(300)
    const owned = { ...child, metadata: { ...metadata, ownerReferences: [...owners, owner] } }
    expect(withoutBulk(owned).metadata.ownerReferences).toEqual([owner])
    expect(lengthOf(withoutBulk(owned))).toBeLessThan(500)
  })

  test('whatever labels it has', () => {
    for (const kept of [withoutBulk(child), withReasonsOnly(child), withTargetsOnly(child)]) {
      expect(lengthOf(kept)).toBeLessThan(500)
      expect(kept.metadata.labels).toEqual({
        'app.kubernetes.io/instance': 'accounts',
        'auth-operator.dev/revision': 'r1',
      })
    }
  })

  test('whatever pods an EndpointSlice contains', () => {
    const endpoints = [{ targetRef: { kind: 'Pod', name: 'x'.repeat(900_000) } }]
    expect(lengthOf(withTargetsOnly({ ...child, endpoints }))).toBeLessThan(1_000)
  })

  test('however many of them one AuthService has: beyond 2 MB, they are read when needed', () => {
    const index = new PackedChildren()
    for (let count = 0; count < 200; count++) {
      const ofMetadata = { ...metadata, name: `n${count}`, ownerReferences: [owner] }
      const one = { ...child, metadata: ofMetadata, data: { filler: 'x'.repeat(100_000) } }
      index.put(withoutBulk(one, index.roomFor(one)))
      index.put(withoutBulk(one, index.roomFor(one))) // it changes, and replaces itself
    }
    expect(index.of('u-1')).toHaveLength(200)
    expect(lengthOf(index.of('u-1'))).toBeLessThan(2_200_000)
    expect(index.of('u-1').filter((one) => !('isCut' in one))).toHaveLength(19)
  })
})
