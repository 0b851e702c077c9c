import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { changesBetween, outcomeOf, withField } from '../../../test/unit/spec-fields/effects.ts'
import { fieldExpectations, managed } from '../../../test/unit/spec-fields/expectations.ts'
import type { AuthServiceSpec } from '../api/spec.ts'
import { contentHash } from '../model/content-hash.ts'
import { withDesiredHash } from './desired-hash.ts'
import {
  decideUpdateStrategy,
  isDeferrable,
  isRemovable,
  runsEarlierTemplate,
  type StatefulSet,
  withUpdateStrategies,
} from './update-strategy.ts'

interface Container {
  name: string
  [field: string]: unknown
}
type Set = StatefulSet & {
  spec: {
    updateStrategy?: { type: string }
    template: { metadata: object; spec: { containers: Container[]; volumes: Container[]; [field: string]: unknown } }
  }
}

/** Images of `outcomeOf`, by their names in the release: the release of the helper has not changed since. */
const images: Record<string, string> = { 'api-server': 'r/api-server:1.0.0', redis: 'r/redis:8', mongo: 'r/mongo:8' }
const file = resolve(import.meta.dirname, '../../../test/releases/0.1.0/stateful-sets.yaml')
const released: Set[] = parseAllDocuments(
  readFileSync(file, 'utf8').replaceAll(/example\.com\/(api-server|redis|mongo):\S+/g, (_, name) => images[name] ?? ''),
).map((document) => document.toJS())

const ready = { observedGeneration: 1, replicas: 1, readyReplicas: 1, updatedReplicas: 1 }
const atRest = { ...ready, currentRevision: 'a', updateRevision: 'a' }

/** A StatefulSet as the API server has it, at rest. */
function live(written: Set, status: object = atRest): Set {
  const copy: Set = structuredClone(written)
  const { containers, volumes } = copy.spec.template.spec
  const served = {
    ...copy.spec.template.spec,
    restartPolicy: 'Always',
    schedulerName: 'default-scheduler',
    containers: containers.map((one) => ({
      ...one,
      terminationMessagePath: '/dev/termination-log',
      startupProbe: { successThreshold: 1, timeoutSeconds: 1, ...(one['startupProbe'] as object) },
    })),
    volumes: volumes.map((one) =>
      'secret' in one ? { ...one, secret: { defaultMode: 420, ...(one['secret'] as object) } } : one,
    ),
  }
  const template = { metadata: { creationTimestamp: null, ...copy.spec.template.metadata }, spec: served }
  return { ...copy, metadata: { ...copy.metadata, generation: 1 }, spec: { ...copy.spec, template }, status }
}

/** The one that release 0.1.0 left, at rest. */
const earlier = (component: string, status: object = atRest) => {
  const found = released.find(({ metadata }) => metadata.name.endsWith(component))
  if (found === undefined) throw new Error(`no StatefulSet of ${component} in ${file}`)
  return live(found, status)
}

const development: AuthServiceSpec = { environment: 'development', mongodb: {}, redis: {}, ingress: { type: 'None' } }

/** The one that this version renders, without the mark of a Redis whose password this version generated. */
function desired(component: string, spec: AuthServiceSpec = development): Set {
  const found = outcomeOf(spec, new Map()).children.find(
    ({ kind, metadata }) => kind === 'StatefulSet' && metadata.name.endsWith(component),
  )
  const copy = structuredClone(found) as unknown as Set
  delete copy.spec.template.metadata.annotations
  return copy
}

/** The desired one as this version writes it, with a strategy. */
function written(component: string, type: string): Set {
  const one = desired(component)
  const updateStrategy = type === 'OnDelete' ? { type } : { type, rollingUpdate: { partition: 0 } }
  return withDesiredHash({ ...one, spec: { ...one.spec, updateStrategy } })
}

function change(set: Set, edit: (mongodb: Container, set: Set) => void): Set {
  const copy = structuredClone(set)
  const [first] = copy.spec.template.spec.containers
  if (first === undefined) throw new Error('no container')
  edit(first, copy)
  return copy
}

const newCommand = (set: Set) =>
  change(set, (mongodb) => {
    mongodb['command'] = ['mongod']
  })

describe('the upgrade from release 0.1.0', () => {
  test('keeps the pod of a MongoDB whose start command, helper and mounts changed', () => {
    expect(decideUpdateStrategy(desired('mongodb'), earlier('mongodb'))).toBe('OnDelete')
  })

  test('leaves a Redis without a changed template as it is', () => {
    expect(decideUpdateStrategy(desired('redis'), earlier('redis'))).toBe('RollingUpdate')
  })

  test.each<[string, Partial<AuthServiceSpec>]>([
    ['resources', { mongodb: { managed: { resources: { limits: { memory: '2Gi' } } } } }],
    ['the name of the database', { mongodb: { database: 'other' } }],
    ['pull secrets', { imagePullSecrets: [{ name: 'registry' }] }],
    ['resources of the helper', { jobs: { resources: { limits: { cpu: '1' } } } }],
  ])('restarts MongoDB if the spec changes %s as well', (_, spec) => {
    const wanted = desired('mongodb', { ...development, ...spec })
    expect(decideUpdateStrategy(wanted, earlier('mongodb'))).toBe('RollingUpdate')
  })

  test.each<[string, object]>([
    ['is not ready, because the change may repair it', { ...atRest, readyReplicas: 0 }],
    ['is already being updated', { ...ready, currentRevision: 'a', updateRevision: 'b' }],
    ['has a change that its controller has not seen', { ...atRest, observedGeneration: 0 }],
  ])('restarts a MongoDB that %s', (_, status) => {
    expect(decideUpdateStrategy(desired('mongodb'), earlier('mongodb', status))).toBe('RollingUpdate')
  })
})

describe('a template that waits for the next pod', () => {
  // The StatefulSet controller does not advance the current revision with OnDelete.
  const pending = live(written('mongodb', 'OnDelete'), { ...ready, currentRevision: 'a', updateRevision: 'b' })

  test('stays, before and after the pod is replaced', () => {
    expect(decideUpdateStrategy(desired('mongodb'), pending)).toBe('OnDelete')
    const [waiting] = withUpdateStrategies([desired('mongodb')], { children: [pending] })
    expect(withDesiredHash(waiting ?? pending).metadata.annotations, 'nothing is written').toEqual(
      pending.metadata.annotations,
    )
  })

  test('can be followed by another one that waits, even before its controller has seen it', () => {
    expect(decideUpdateStrategy(newCommand(desired('mongodb')), pending)).toBe('OnDelete')
    const unseen = { ...pending, metadata: { ...pending.metadata, generation: 2 } }
    expect(decideUpdateStrategy(newCommand(desired('mongodb')), unseen)).toBe('OnDelete')
  })

  test('is applied at once if the pod is not ready when another one follows', () => {
    const broken = { ...pending, status: { ...pending.status, readyReplicas: 0 } }
    expect(decideUpdateStrategy(newCommand(desired('mongodb')), broken)).toBe('RollingUpdate')
  })

  test.each<[string, (container: Container, set: Set) => void]>([
    ['another image', (mongodb) => Object.assign(mongodb, { image: 'r/mongo:8.2' })],
    ['a removed limit', (mongodb) => Object.assign(mongodb, { resources: { requests: { cpu: '100m' } } })],
    ['new passwords', (_, { spec }) => Object.assign(spec.template.metadata, { annotations: { origin: '2' } })],
    ['another user', (_, { spec }) => Object.assign(spec.template.spec, { securityContext: { runAsUser: 1_000 } })],
  ])('is applied at once with %s', (_, edit) => {
    expect(decideUpdateStrategy(change(desired('mongodb'), edit), pending)).toBe('RollingUpdate')
  })

  test('is unaffected by what another client adds', () => {
    const added = change(pending, (mongodb, set) => {
      mongodb['resources'] = { ...(mongodb['resources'] as object), claims: [] }
      set.spec.template.metadata = { ...set.spec.template.metadata, annotations: { 'policy.example.com/seen': 'yes' } }
      set.spec.template.spec['imagePullSecrets'] = [{ name: 'of-a-policy' }]
    })
    expect(decideUpdateStrategy(desired('mongodb'), added)).toBe('OnDelete')
  })
})

test('a template that another client edited is reverted with a restart, because the pod may run it', () => {
  const edited = newCommand(live(written('mongodb', 'RollingUpdate')))
  expect(decideUpdateStrategy(desired('mongodb'), edited)).toBe('RollingUpdate')
})

test('a variable that is only removed does not restart a database', () => {
  const before = change(live(written('mongodb', 'RollingUpdate')), (mongodb, set) => {
    mongodb['env'] = [{ name: 'OBSOLETE', value: '1' }]
    set.metadata.annotations = { 'auth-operator.dev/desired-hash': 'of an earlier release' }
  })
  expect(decideUpdateStrategy(desired('mongodb'), before)).toBe('OnDelete')
})

test('a new database rolls out every change until one may wait', () => {
  const [mongodb] = withUpdateStrategies([desired('mongodb')], { children: [] })
  expect(mongodb?.spec.updateStrategy).toEqual({ type: 'RollingUpdate', rollingUpdate: { partition: 0 } })
})

test.each([
  ['OnDelete', 0, true],
  ['OnDelete', 1, false],
  ['RollingUpdate', 0, false],
])(
  'with %s and %i updated pods, whether a database runs an earlier template: %s',
  (type, updatedReplicas, expected) => {
    const status = { ...ready, updatedReplicas, currentRevision: 'a', updateRevision: 'b' }
    expect(runsEarlierTemplate(live(written('mongodb', type), status))).toBe(expected)
  },
)

const ofTemplate = /^StatefulSet accounts-(?:mongodb|redis): (?=spec\.template\.)/

// It renders every child for every field, which takes a while on a busy machine.
const ofAllFields = { timeout: 120_000 }
test('every field of a spec that changes the template of a database, or is removed, restarts it', ofAllFields, () => {
  const seen = Object.entries(fieldExpectations).flatMap(([field, { value, base = managed }]) => {
    const before = outcomeOf(base, new Map())
    const { outcome } = outcomeOf(withField(base, field, value), before.secrets)
    return changesBetween(before.outcome, outcome).flatMap((change) => {
      if (!ofTemplate.test(change)) return []
      const path = change.replace(ofTemplate, '')
      expect(isDeferrable(path), `${field} changes ${path}`).toBe(false)
      const isOptional = !before.outcome.has(change) || !outcome.has(change)
      if (isOptional) expect(isRemovable(path), `${field} adds or removes ${path}`).toBe(true)
      return [path]
    })
  })
  expect(seen.length).toBeGreaterThan(5)
})

test.each([
  ['mongodb', 'd895ebc8e26bb722'],
  ['redis', 'b897de8c0d492aa3'],
])('the parts of the template of a managed %s that need a restart are unchanged', (component, hash) => {
  const prefix = `StatefulSet accounts-${component}: `
  const parts = [...outcomeOf(managed, new Map()).outcome].flatMap(([path, value]) =>
    path.startsWith(`${prefix}spec.template.spec.`) && !isDeferrable(path.slice(prefix.length))
      ? [`${path}=${value}`]
      : [],
  )
  expect(parts.length).toBeGreaterThan(10)
  expect(
    contentHash(parts.sort()),
    `This change restarts every managed ${component} of every cluster at the upgrade, and logins fail meanwhile. If it is worth that, write the new hash here, and say so in CHANGELOG.md under Changed.`,
  ).toBe(hash)
})
