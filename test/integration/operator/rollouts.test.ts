import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { kind } from '../../../operator/authservice/api/group.ts'
import type { Operator } from '../../../operator/operator.ts'
import { authServiceManifest, type Live, Namespace } from '../support/namespace.ts'
import { startOperator, untilQuiet } from '../support/operator-under-test.ts'
import {
  completeMigrations,
  endSmokeTest,
  followServices,
  makeEverythingAvailable,
  refuseMigration,
} from '../support/simulated-controllers.ts'

const { kubeconfigPath } = inject('apiServer')
let namespace: Namespace
let operator: Operator

beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `rollouts-${Date.now()}`)
  operator = startOperator(kubeconfigPath, namespace)
})
afterAll(() => operator.stop())

const blueGreen = { strategy: 'BlueGreen', smokeTest: { enabled: false }, analysis: { enabled: false } }

async function create(name: string, blueGreenSettings: object, rollout: object = {}): Promise<void> {
  const spec = {
    environment: 'development',
    replicas: 2,
    mongodb: {},
    redis: {},
    ingress: { type: 'None' },
    rollout: { ...blueGreen, ...rollout, blueGreen: blueGreenSettings },
  }
  await namespace.apply(authServiceManifest(name, spec))
  await until(name, async () => expect(await namespace.condition(name, 'Ready')).toMatch(/^True/))
}

/** Runs the simulated controllers until the expected state is reached. */
async function until(name: string, holds: () => Promise<void>): Promise<void> {
  const attempt = async () => {
    await makeEverythingAvailable(namespace)
    await followServices(namespace)
    await holds().catch(async (error: unknown) => {
      const { status } = await namespace.authService(name)
      throw new Error(`${error}; status.rollout is ${JSON.stringify(status?.rollout)}`)
    })
  }
  await expect.poll(() => attempt().then(() => 'holds', String), { interval: 100 }).toBe('holds')
}

const statusOf = async (name: string) => (await namespace.authService(name)).status
/** Ends the time for which the old colour stands by. */
const endStandby = (name: string) =>
  namespace.patch(kind, name, { spec: { rollout: { blueGreen: { scaleDownDelaySeconds: 0 } } } })
/** Moves the deadline of the rollout into the past. Nothing else may change meanwhile: the operator writes it, too. */
async function passDeadline(name: string): Promise<void> {
  await untilQuiet(operator)
  await namespace.patch(kind, name, { status: { rollout: { deadline: '2026-01-01T00:00:00Z' } } }, 'status')
  await namespace.patch(kind, name, { metadata: { annotations: { look: 'again' } } })
}
const upgrade = (name: string, version: string) => namespace.patch(kind, name, { spec: { version } })

async function colorOfTraffic(name: string): Promise<string | undefined> {
  const service = await namespace.get<Live & { spec: { selector: Record<string, string> } }>('Service', name)
  return service?.spec.selector['auth-operator.dev/color']
}

async function serverOf(name: string, color: string) {
  interface Deployment extends Live {
    spec: { replicas: number; template: { spec: { containers: { image: string }[] } } }
  }
  const deployment = await namespace.get<Deployment>('Deployment', `${name}-${color}`)
  return deployment && { replicas: deployment.spec.replicas, image: deployment.spec.template.spec.containers[0]?.image }
}

describe('a blue-green rollout', () => {
  test('fills the other colour, moves the traffic, and scales down the old colour after the delay', async () => {
    await create('auto', { scaleDownDelaySeconds: 300 })
    await upgrade('auto', '0.2.0')
    await until('auto', async () => expect(await colorOfTraffic('auto')).toBe('green'))
    expect(await serverOf('auto', 'green')).toEqual({ replicas: 2, image: 'example.com/api-server:0.2.0' })
    expect(await serverOf('auto', 'blue'), 'the old colour, right after the switch').toEqual({
      replicas: 2,
      image: 'example.com/api-server:0.1.0',
    })
    await endStandby('auto')
    await until('auto', async () => expect(await serverOf('auto', 'blue')).toMatchObject({ replicas: 0 }))
    // A reconcile writes the status last.
    await until('auto', async () =>
      expect(await statusOf('auto')).toMatchObject({
        activeColor: 'green',
        rollout: { phase: 'Stable', lastOutcome: 'Promoted' },
        revisions: [
          { number: 1, image: 'example.com/api-server:0.1.0' },
          { number: 2, image: 'example.com/api-server:0.2.0' },
        ],
      }),
    )
    const preview = () => namespace.get('Service', 'auto-preview')
    await expect.poll(preview, { message: 'the preview of an empty colour' }).toBeUndefined()
  })

  test('waits for the user with manual promotion, with a preview of the new revision', async () => {
    await create('manual', { promotion: 'Manual', scaleDownDelaySeconds: 300 })
    await upgrade('manual', '0.2.0')
    await until('manual', async () =>
      expect(await statusOf('manual')).toMatchObject({ rollout: { phase: 'AwaitingPromotion', targetColor: 'green' } }),
    )
    expect(await colorOfTraffic('manual')).toBe('blue')
    await expect
      .poll(() => namespace.get('Service', 'manual-preview'))
      .toMatchObject({ spec: { selector: { 'auth-operator.dev/color': 'green' } } })
    await namespace.requestAction('manual', 'promote', (await statusOf('manual'))?.rollout?.revision ?? '')
    await until('manual', async () =>
      expect(await statusOf('manual')).toMatchObject({ activeColor: 'green', rollout: { phase: 'Retiring' } }),
    )
    await until('manual', async () => expect(await namespace.condition('manual', 'Ready')).toMatch(/^True/))
  })

  test('is reverted immediately by rollback-to, by the number of the revision, while the old colour has pods', async () => {
    await namespace.requestAction('manual', 'rollback-to', '1')
    await until('manual', async () => expect(await colorOfTraffic('manual')).toBe('blue'))
    await until('manual', async () =>
      expect(await statusOf('manual')).toMatchObject({
        rollout: { phase: 'Retiring', lastOutcome: 'Promoted' },
        actions: expect.arrayContaining([
          expect.objectContaining({ name: 'rollback-to', value: '1', message: 'The revision returns.' }),
        ]),
      }),
    )
  })

  test('that is aborted leaves nothing running, reports this, and is not retried', async () => {
    await create('aborted', { promotion: 'Manual' })
    await upgrade('aborted', '0.2.0')
    await until('aborted', async () =>
      expect(await statusOf('aborted')).toMatchObject({ rollout: { phase: 'AwaitingPromotion' } }),
    )
    await namespace.requestAction('aborted', 'abort', (await statusOf('aborted'))?.rollout?.revision ?? '')
    await until('aborted', async () => {
      expect(await serverOf('aborted', 'green')).toMatchObject({ replicas: 0 })
      expect(await statusOf('aborted')).toMatchObject({ rollout: { phase: 'Stable', lastOutcome: 'Aborted' } })
    })
    expect(await namespace.condition('aborted', 'RolloutProgressing')).toMatch(/^False RolloutFailed: .*aborted/)
    expect(await namespace.condition('aborted', 'Stalled')).toMatch(/^True/)
    await upgrade('aborted', '0.3.0')
    await until('aborted', async () => expect(await namespace.condition('aborted', 'Stalled')).toMatch(/^False/))
  })

  test('continues after the operator was killed', async () => {
    await create('restarted', { promotion: 'Manual', scaleDownDelaySeconds: 300 })
    await upgrade('restarted', '0.2.0')
    await until('restarted', async () =>
      expect(await statusOf('restarted')).toMatchObject({ rollout: { phase: 'AwaitingPromotion' } }),
    )
    await operator.stop()
    await namespace.requestAction('restarted', 'promote', (await statusOf('restarted'))?.rollout?.revision ?? '')
    operator = startOperator(kubeconfigPath, namespace)
    await until('restarted', async () => expect(await colorOfTraffic('restarted')).toBe('green'))
  })
})

test('a quota that prevents the new colour from starting is reported while the rollout waits, and at the deadline', async () => {
  await create('short', {}, { progressDeadlineSeconds: 600 })
  await upgrade('short', '0.2.0')
  await expect.poll(() => completeMigrations(namespace).then(() => serverOf('short', 'green'))).toBeDefined()
  const message = 'pods "short-green-5d5f8-" is forbidden: exceeded quota: compute, requested: pods=1, limited: pods=4'
  const at = new Date().toISOString()
  const refused = { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message }
  const conditions = [{ ...refused, lastUpdateTime: at, lastTransitionTime: at }]
  const observed = async () => (await namespace.get<Live>('Deployment', 'short-green'))?.metadata.generation
  const status = { observedGeneration: await observed(), replicas: 0, conditions }
  await namespace.patch('Deployment', 'short-green', { status }, 'status')
  const rolloutOf = async () => (await statusOf('short'))?.rollout
  await expect.poll(async () => (await rolloutOf())?.message).toContain('exceeded quota: compute')

  await passDeadline('short')
  await expect.poll(async () => (await rolloutOf())?.lastOutcome).toBe('DeadlineExceeded')
  expect((await rolloutOf())?.failure).toContain('exceeded quota: compute')
  expect(await namespace.condition('short', 'RolloutProgressing')).toContain('exceeded quota: compute')
})

describe('the smoke test', () => {
  const rollout = { smokeTest: { enabled: true, timeoutSeconds: 30 } }

  test('must pass before the traffic moves, and its result stays in status', async () => {
    await create('tested', { scaleDownDelaySeconds: 300 }, rollout)
    await upgrade('tested', '0.2.0')
    await until('tested', async () => expect(await statusOf('tested')).toMatchObject({ rollout: { phase: 'Testing' } }))
    expect(await colorOfTraffic('tested')).toBe('blue')
    await until('tested', async () => expect(await endSmokeTest(namespace, true, '13 steps passed')).toBe(true))
    await until('tested', async () => expect(await colorOfTraffic('tested')).toBe('green'))
    await until('tested', async () =>
      expect(await statusOf('tested')).toMatchObject({
        rollout: { smokeTest: { passed: true, message: '13 steps passed' } },
      }),
    )
    await until('tested', async () =>
      expect(await namespace.events('tested')).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/^Normal RolloutPromoted: Revision \w+ receives the traffic after/),
        ]),
      ),
    )
  })

  test('that fails keeps the revision from every user, and the cause is reported', async () => {
    await create('failing', {}, rollout)
    await upgrade('failing', '0.2.0')
    await until('failing', async () =>
      expect(await endSmokeTest(namespace, false, 'login: the answer was 500 instead of 200')).toBe(true),
    )
    await until('failing', async () => {
      expect(await statusOf('failing')).toMatchObject({ activeColor: 'blue', rollout: { lastOutcome: 'RolledBack' } })
      expect(await serverOf('failing', 'green')).toMatchObject({ replicas: 0 })
    })
    expect(await namespace.condition('failing', 'RolloutProgressing')).toMatch(/login: the answer was 500/)
    await until('failing', async () =>
      expect(await namespace.events('failing')).toEqual(
        expect.arrayContaining([expect.stringMatching(/^Warning RolloutRolledBack: .*the answer was 500/)]),
      ),
    )
  })
})

describe('the database', () => {
  const jobsOf = async (name: string) =>
    (await namespace.list('Job')).map(({ metadata }) => metadata).filter((job) => job.name.startsWith(`${name}-`))
  const namesOf = async (name: string, half: string) =>
    (await jobsOf(name)).map((job) => job.name).filter((job) => job.includes(half))
  const migrationOf = async (name: string) => (await namesOf(name, '-migrate-'))[0]
  interface Job extends Live {
    spec: { template: { spec: { containers: { image: string; command: string[] }[] } } }
  }

  test('that blocks a new version prevents every pod of it; the documents are named, and the migration is retried on request', async () => {
    await create('refused', {})
    const before = await migrationOf('refused')
    await upgrade('refused', '0.2.0')
    await expect.poll(() => migrationOf('refused')).not.toSatisfy((job) => !job || job === before)
    const job = (await migrationOf('refused')) ?? ''
    expect((await namespace.get<Job>('Job', job))?.spec.template.spec.containers).toMatchObject([
      { image: 'example.com/api-server:0.2.0', command: ['node', 'migrate.js'] },
    ])
    await expect.poll(async () => (await statusOf('refused'))?.rollout?.phase).toBe('Preparing')
    expect(await serverOf('refused', 'green'), 'pods before the database is ready').toBeUndefined()

    const said = '020-names: 2 users have one name: 6a1f00000000000000000001, 6a1f00000000000000000002. Change one.'
    await refuseMigration(namespace, job, said)
    await until('refused', async () =>
      expect(await statusOf('refused')).toMatchObject({
        rollout: { phase: 'Stable', lastOutcome: 'RolledBack', failure: expect.stringContaining(said) },
      }),
    )
    expect(await namespace.condition('refused', 'RolloutProgressing')).toContain(`False RolloutFailed`)
    expect(await namespace.condition('refused', 'RolloutProgressing')).toContain(said)
    await until('refused', async () =>
      expect(await namespace.events('refused')).toContainEqual(
        expect.stringMatching(/^Warning RolloutRolledBack: .*6a1f00000000000000000002/),
      ),
    )
    expect(await serverOf('refused', 'green')).toBeUndefined()

    // The data was corrected.
    await namespace.requestAction('refused', 'rollback-to', (await statusOf('refused'))?.rollout?.failedRevision ?? '')
    await until('refused', async () => expect(await colorOfTraffic('refused')).toBe('green'))
  })

  test('keeps what the old version needs until its pods are gone', async () => {
    await create('contracted', { scaleDownDelaySeconds: 300 })
    const contractions = () => namesOf('contracted', '-contract-')
    await upgrade('contracted', '0.2.0')
    await until('contracted', async () =>
      expect(await statusOf('contracted')).toMatchObject({ rollout: { phase: 'Retiring' } }),
    )
    await untilQuiet(operator)
    expect(await contractions(), 'while the old colour stands by').toEqual([])
    await endStandby('contracted')
    await until('contracted', async () => expect(await contractions()).toHaveLength(1))
    expect(await serverOf('contracted', 'blue')).toMatchObject({ replicas: 0 })
    const [job = ''] = await contractions()
    expect((await namespace.get<Job>('Job', job))?.spec.template.spec.containers).toMatchObject([
      { image: 'example.com/api-server:0.2.0', command: ['node', 'migrate.js', '--contract'] },
    ])
  })

  test('that an earlier revision of the same image has migrated is not migrated again', async () => {
    const uidsOf = async () => Object.fromEntries((await jobsOf('contracted')).map(({ name, uid }) => [name, uid]))
    await until('contracted', async () =>
      expect(await statusOf('contracted')).toMatchObject({ rollout: { phase: 'Stable' } }),
    )
    const before = await uidsOf()
    expect(Object.keys(before)).toEqual([
      expect.stringMatching(/^contracted-contract-/),
      expect.stringMatching(/^contracted-migrate-/),
    ])
    await namespace.patch(kind, 'contracted', { spec: { logs: { level: 'Warn' } } })
    await until('contracted', async () => expect(await colorOfTraffic('contracted')).toBe('blue'))
    await until('contracted', async () => expect(await serverOf('contracted', 'green')).toMatchObject({ replicas: 0 }))
    await until('contracted', async () =>
      expect(await statusOf('contracted')).toMatchObject({
        rollout: { phase: 'Stable', lastOutcome: 'Promoted' },
        revisions: [{ number: 1 }, { number: 2 }, { number: 3 }],
      }),
    )
    expect(await uidsOf()).toEqual(before)
  })

  test('at another URL in the same Secret is migrated automatically, before any pod uses it', async () => {
    const leadTo = (host: string) =>
      namespace.apply({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'their-mongodb' },
        data: { url: Buffer.from(`mongodb://${host}/?replicaSet=rs0&tls=true`).toString('base64') },
      })
    await leadTo('old.example.com')
    const spec = {
      environment: 'development',
      mongodb: { external: { urlSecretRef: { name: 'their-mongodb', key: 'url' } } },
      redis: {},
      ingress: { type: 'None' },
      rollout: blueGreen,
    }
    await namespace.apply(authServiceManifest('moved', spec))
    await until('moved', async () => expect(await namespace.condition('moved', 'Ready')).toMatch(/^True/))
    const before = await migrationOf('moved')

    await leadTo('new.example.com')
    await expect.poll(() => migrationOf('moved')).not.toSatisfy((job) => !job || job === before)
    expect(await serverOf('moved', 'green'), 'pods before the database is ready').toBeUndefined()
    await until('moved', async () => expect(await colorOfTraffic('moved')).toBe('green'))
  })
})

test('a rolling update that misses its deadline returns to its last good template', async () => {
  const name = 'rolled'
  const spec = {
    environment: 'development',
    mongodb: {},
    redis: {},
    ingress: { type: 'None' },
    rollout: { strategy: 'RollingUpdate', progressDeadlineSeconds: 600, autoRollback: true },
  }
  await namespace.apply(authServiceManifest(name, spec))
  await until(name, async () => expect(await namespace.condition(name, 'Ready')).toMatch(/^True/))
  await upgrade(name, '0.2.0')
  // The new pods never become available; the test moves the deadline instead of waiting for it.
  await expect
    .poll(() => completeMigrations(namespace).then(() => serverOf(name, 'blue')))
    .toMatchObject({ image: 'example.com/api-server:0.2.0' })
  // The message of the reconcile after the one that wrote the template: from then on, nothing changes.
  await expect.poll(async () => (await statusOf(name))?.rollout?.message).toMatch(/blue to be observed/)
  expect(await statusOf(name)).toMatchObject({ rollout: { phase: 'Preparing' } })
  await passDeadline(name)
  await expect
    .poll(() => serverOf(name, 'blue'))
    .toMatchObject({
      image: 'example.com/api-server:0.1.0',
    })
  await until(name, async () =>
    expect(await statusOf(name)).toMatchObject({ rollout: { phase: 'Stable', lastOutcome: 'DeadlineExceeded' } }),
  )
})
