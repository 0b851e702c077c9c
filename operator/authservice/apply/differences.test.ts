import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { differences, type Json, withoutEntriesOfOthers } from './differences.ts'

const container = (fields: { [key: string]: Json }): Json => ({
  spec: { template: { spec: { containers: [{ name: 'server', ...fields }] } } },
})

describe('contained', () => {
  test.each<[what: string, desired: Json, live: Json]>([
    [
      'defaults that the API server adds',
      { spec: { type: 'ClusterIP' } },
      { spec: { type: 'ClusterIP', clusterIP: '10.0.0.1' } },
    ],
    [
      'quantities in another spelling',
      container({ resources: { requests: { cpu: '1000m', 'nvidia.com/gpu': '1000m' }, limits: { memory: '1024Mi' } } }),
      container({ resources: { requests: { cpu: '1', 'nvidia.com/gpu': '1' }, limits: { memory: '1Gi' } } }),
    ],
    ['an empty environment value', container({ env: [{ name: 'A', value: '' }] }), container({ env: [{ name: 'A' }] })],
    [
      'an empty map that is dropped',
      { spec: { nodeSelector: {}, tolerations: [], affinity: { podAffinity: {} } } },
      { spec: {} },
    ],
    [
      'false that is dropped',
      container({ volumeMounts: [{ mountPath: '/a', readOnly: false }] }),
      container({ volumeMounts: [{ mountPath: '/a' }] }),
    ],
    ['fields that are not wanted', { spec: { a: undefined } }, { spec: {} }],
    [
      'a container port without its default protocol',
      container({ ports: [{ containerPort: 8080, name: 'http' }] }),
      container({ ports: [{ containerPort: 8080, name: 'http', protocol: 'TCP' }] }),
    ],
    [
      'a container that another writer owns',
      container({}),
      { spec: { template: { spec: { containers: [{ name: 'sidecar' }, { name: 'server', image: 'x' }] } } } },
    ],
  ])('%s', (_, desired, live) => {
    expect(differences(desired, live)).toEqual([])
  })
})

describe('not contained', () => {
  test.each<[what: string, desired: Json, live: Json, path: string]>([
    [
      'a changed scalar',
      container({ image: 'a:1' }),
      container({ image: 'a:2' }),
      'spec.template.spec.containers[server].image',
    ],
    [
      'a changed quantity',
      container({ resources: { limits: { cpu: '1' } } }),
      container({ resources: { limits: { cpu: '2' } } }),
      'spec.template.spec.containers[server].resources.limits.cpu',
    ],
    [
      'a removed variable',
      container({ env: [{ name: 'A', value: 'x' }] }),
      container({ env: [] }),
      'spec.template.spec.containers[server].env[A]',
    ],
    [
      'a removed label',
      { metadata: { labels: { 'app.kubernetes.io/name': 'a' } } },
      { metadata: {} },
      'metadata.labels',
    ],
    [
      'a removed token mount setting, which defaults to true',
      { spec: { automountServiceAccountToken: false } },
      { spec: {} },
      'spec.automountServiceAccountToken',
    ],
    [
      'an entry added to a list that is one value',
      { spec: { args: ['a'] } },
      { spec: { args: ['a', 'b'] } },
      'spec.args',
    ],
    [
      'a value that looks like the same quantity but is none',
      { spec: { version: '1000m' } },
      { spec: { version: '1' } },
      'spec.version',
    ],
  ])('%s', (_, desired, live, path) => {
    expect(differences(desired, live)).toEqual([path])
  })
})

test('every object contains itself', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      // jsonValue generates exactly what Json describes; its own type is unknown.
      const json = value as Json
      expect(differences(json, json)).toEqual([])
    }),
  )
})

describe('a port to which another writer gave another number', () => {
  const port = { name: 'http', port: 80, targetPort: 'http' }
  const service = { spec: { ports: [port], selector: { app: 'a' } } }
  const renumbered = { spec: { ports: [{ ...port, port: 81, protocol: 'TCP' }], selector: { app: 'a' } } }

  test('of a Service is both missing and surplus, and the list is replaced', () => {
    expect(differences(service, renumbered)).toEqual(['spec.ports[80/TCP]', 'spec.ports[81/TCP]'])
    expect(withoutEntriesOfOthers(service, renumbered)).toEqual({ spec: { ports: [{ $patch: 'replace' }, port] } })
    expect(withoutEntriesOfOthers(service, service)).toBeUndefined()
  })

  test('of a container is replaced in that container, and other containers stay unchanged', () => {
    const pod = (containerPort: number) => ({
      spec: {
        containers: [{ name: 'sidecar' }, { name: 'server', image: 'a', ports: [{ name: 'http', containerPort }] }],
      },
    })
    const desired = { spec: { containers: pod(80).spec.containers.slice(1) } }
    expect(withoutEntriesOfOthers(desired, pod(81))).toEqual({
      spec: { containers: [{ name: 'server', ports: [{ $patch: 'replace' }, { name: 'http', containerPort: 80 }] }] },
    })
  })
})

test('an update strategy that the API server gave parameters is replaced as a whole if its type changes, and only then', () => {
  const strategy = (updateStrategy: Json): Json => ({ spec: { updateStrategy } })
  const rolling = { type: 'RollingUpdate', rollingUpdate: { partition: 0 } }
  expect(withoutEntriesOfOthers(strategy({ type: 'OnDelete' }), strategy(rolling))).toEqual(
    strategy({ $patch: 'replace', type: 'OnDelete' }),
  )
  expect(withoutEntriesOfOthers(strategy({ type: 'RollingUpdate' }), strategy(rolling))).toBeUndefined()
  // The strategy and the template change in one request: otherwise, the pod would be replaced twice.
  expect(withoutEntriesOfOthers(strategy(rolling), strategy({ type: 'OnDelete' }))).toBeUndefined()
})
