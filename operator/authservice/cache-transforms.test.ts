import { expect, test } from 'vitest'
import type { KubernetesObject } from '../kube/objects.ts'
import { withReasonsOnly, withTargetsOnly } from './cache-transforms.ts'
import type { LabelledPod } from './cluster.ts'
import { PackedStore, wordsOfMember } from './packed-store.ts'

const metadata = { name: 'accounts-blue-1', namespace: 'team-a', uid: 'u', resourceVersion: '1' }

test('of a pod and of an EndpointSlice all that is kept comes back from the cache', () => {
  const state = { terminated: { reason: 'Error', exitCode: 1 } }
  const container = { name: 'server', image: 'i', ready: true, restartCount: 1, state, lastState: {}, containerID: 'x' }
  const pod = {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata },
    status: { phase: 'Running', podIP: '10.0.0.1', hostIP: '10.0.0.2', containerStatuses: [container] },
  }
  const pods = new PackedStore<LabelledPod & KubernetesObject>(wordsOfMember('of'))
  pods.set('team-a/accounts-blue-1', withReasonsOnly(pod))
  const { containerID: _, ...kept } = container
  expect(pods.get('team-a/accounts-blue-1')).toEqual({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata },
    status: { phase: 'Running', podIP: '10.0.0.1', containerStatuses: [kept] },
  })

  const endpoint = { conditions: { ready: true }, zone: 'a' }
  const slice = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, endpoints: [endpoint] }
  const slices = new PackedStore<KubernetesObject>(wordsOfMember('of'))
  slices.set('team-a/accounts-blue-1', withTargetsOnly(slice))
  expect(slices.get('team-a/accounts-blue-1')).toEqual({ ...slice, endpoints: [{ conditions: endpoint.conditions }] })
})
