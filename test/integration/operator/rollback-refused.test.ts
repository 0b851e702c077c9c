import { createServer } from 'node:http'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { kind } from '../../../operator/authservice/api/group.ts'
import type { Operator } from '../../../operator/operator.ts'
import { authServiceManifest, Namespace } from '../support/namespace.ts'
import { startOperator } from '../support/operator-under-test.ts'
import { untilReady } from '../support/simulated-controllers.ts'

const { kubeconfigPath } = inject('apiServer')
let namespace: Namespace
let operator: Operator
/** What a server pod answers at `/status`. */
const report = {
  // The operator polls a pod with a problem every five seconds.
  problems: ['a problem of this test'],
  mongodb: { up: true },
  redis: { up: true },
  usersHaveSecondFactors: true,
}
let answers = 0
const pods = createServer((_, response) => {
  answers += 1
  response.end(JSON.stringify(report))
})

// An address of its own with the port of a pod: only Linux listens on all of 127.0.0.0/8.
const isLinux = process.platform === 'linux'
const podIP = '127.81.0.9'

beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `rollback-${Date.now()}`)
  operator = startOperator(kubeconfigPath, namespace)
  if (isLinux) await new Promise<void>((listening) => pods.listen(9090, podIP, listening))
})
afterAll(async () => {
  await operator.stop()
  pods.close()
})

async function runServerPod(): Promise<void> {
  const labels = {
    'app.kubernetes.io/managed-by': 'authservice-operator',
    'app.kubernetes.io/instance': 'shop',
    'app.kubernetes.io/component': 'server',
  }
  const spec = { containers: [{ name: 'server', image: 'example.com/server' }] }
  await namespace.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'shop-blue-a', labels }, spec })
  await namespace.patch(
    'Pod',
    'shop-blue-a',
    { status: { phase: 'Running', podIP, podIPs: [{ ip: podIP }] } },
    'status',
  )
}

const statusOf = async () => (await namespace.authService('shop')).status

/** Requests the rollback to the first revision. @returns what the operator says about it */
async function rollBack(value: string): Promise<string | undefined> {
  await namespace.requestAction('shop', 'rollback-to', value)
  const taken = async () => (await statusOf())?.actions?.find((one) => one.value === value)
  await expect.poll(taken, { message: `rollback-to ${value}` }).toBeDefined()
  return (await taken())?.message
}

test.skipIf(!isLinux)(
  'a rollback to a revision without second factors is refused while users have some, unless it is allowed by name',
  { timeout: 120_000 },
  async () => {
    await namespace.apply(authServiceManifest('shop'))
    await untilReady(namespace, 'shop')
    await namespace.patch(kind, 'shop', { spec: { mfa: { mode: 'Optional' } } })
    const revisions = async () => {
      await untilReady(namespace, 'shop')
      const { revisions = [], rollout, currentRevision } = (await statusOf()) ?? {}
      return {
        numbers: revisions.map(({ number }) => number),
        phase: rollout?.phase,
        revision: currentRevision,
      }
    }
    const second = { numbers: [1, 2], phase: 'Stable', revision: expect.any(String) }
    await expect.poll(revisions, { timeout: 30_000 }).toEqual(second)
    const { revision } = await revisions()

    await runServerPod()
    // The second request shows that the operator has read the first answer.
    await expect.poll(() => answers, { timeout: 60_000 }).toBeGreaterThan(1)
    expect(await rollBack('1')).toMatch(
      /^Refused: revision \w+ has no second factors, and users have enrolled some\. .*allow-password-only=1,/,
    )
    expect(await revisions()).toEqual({ ...second, revision })
    await expect
      .poll(() => namespace.events('shop'))
      .toContainEqual(expect.stringMatching(/^Normal ActionTaken: rollback-to: 1: Refused/))

    await namespace.requestAction('shop', 'allow-password-only', '1')
    expect(await rollBack('1@allowed')).toBe('The revision returns.')
  },
)
