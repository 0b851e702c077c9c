import { expect, test } from 'vitest'
import { resolveSpec } from '../api/defaults.ts'
import type { AuthServiceSpec } from '../api/schema.ts'
import { colorLabel, revisionLabel } from '../model/labels.ts'
import type { Manifest } from '../model/manifest.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { emptyRecord } from '../rollout/decide/record.ts'
import { composeStatus, type StatusInput } from './compose-status.ts'

const metadata = { name: 'accounts', namespace: 'team-a', uid: 'uid', generation: 1 }

/** A pod of the live colour and of the revision, unless it names the other colour. */
const pod = (revision: string, isReady = true, color = 'blue'): Snapshot['pods'][number] => ({
  metadata: {
    name: `accounts-${color}-${revision}`,
    labels: { 'app.kubernetes.io/component': 'server', [colorLabel]: color, [revisionLabel]: revision },
  },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
})

function statusOf(
  ingress: NonNullable<AuthServiceSpec['ingress']>,
  { issuer, nodePort, pods = [] }: { issuer?: string; nodePort?: number; pods?: Snapshot['pods'] } = {},
) {
  const spec: AuthServiceSpec = {
    environment: 'staging',
    mongodb: {},
    redis: {},
    ingress,
    ...(issuer !== undefined && { tokens: { issuer } }),
  }
  const edge = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'accounts-edge', namespace: 'team-a' },
    spec: {
      ports: [
        { name: 'http', nodePort: 30080 },
        { name: 'https', ...(nodePort && { nodePort }) },
      ],
    },
  } as Manifest
  const snapshot = {
    authService: { apiVersion: 'auth-operator.dev/v1alpha1', kind: 'AuthService', metadata, spec },
    resolved: resolveSpec({ metadata, spec }),
    children: [edge],
    pods,
  }
  const template = { metadata: { labels: {} }, spec: {} }
  const input = {
    snapshot,
    components: [],
    findings: [],
    checklist: [],
    secrets: [],
    actionsTaken: [],
    finishedJobs: [],
    failure: undefined,
    rollout: { activeColor: 'blue', record: { ...emptyRecord, currentRevision: 'old' }, revision: 'new', message: '' },
    revisions: [
      { revision: 'old', number: 1, image: 'r/api-server:1.0.0', template },
      { revision: 'new', number: 2, image: 'r/api-server:1.1.0', template },
    ],
    production: { type: 'ProductionReady', status: 'False', reason: 'NotProduction', message: '' },
    image: 'r/api-server:1.1.0',
  }
  // The input of the status; nothing else of a snapshot or a decision is read.
  return composeStatus(input as unknown as StatusInput, new Date('2026-11-24T12:00:00Z'))
}

const host = 'auth.example.com'
const nodes = { host, nginx: { serviceType: 'NodePort' } } as const
test.each<[string, string, Parameters<typeof statusOf>]>([
  ['the Service if there is no exposure', 'http://accounts.team-a.svc', [{ type: 'None' }]],
  ['the host', 'https://auth.example.com', [{ host }]],
  ['the port of the nodes', 'https://auth.example.com:30443', [nodes, { nodePort: 30443 }]],
  ['no port while none is known', 'https://auth.example.com', [nodes]],
  [
    'the port that the issuer names',
    'https://auth.example.com:8443',
    [nodes, { nodePort: 30443, issuer: `https://${host}:8443` }],
  ],
  [
    'nothing of an issuer at another host',
    'https://auth.example.com',
    [{ host }, { issuer: 'https://id.example.com:8443' }],
  ],
])('status.endpoint is the address that works: %s', (_, endpoint, input) => {
  expect(statusOf(...input).endpoint).toBe(endpoint)
})

test.each<[string, string, Snapshot['pods']]>([
  ['that of the spec, once only it serves', '1.1.0', [pod('new')]],
  ['the serving version, with that of the spec', '1.0.0 (spec: 1.1.0)', [pod('old')]],
  ['both while both serve', '1.0.0 and 1.1.0 (spec: 1.1.0)', [pod('old'), pod('new')]],
  ['not that of pods that are not ready', '1.0.0 (spec: 1.1.0)', [pod('old'), pod('new', false)]],
  ['not what has no traffic', '1.0.0 (spec: 1.1.0)', [pod('old'), pod('new', true, 'green')]],
  ['the last good revision while nothing serves', '1.0.0 (spec: 1.1.0)', []],
])('status.version is the serving version: %s', (_, version, pods) => {
  expect(statusOf({ host }, { pods }).version).toBe(version)
})
