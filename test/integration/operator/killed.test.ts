import { afterAll, expect, inject, test } from 'vitest'
import { ApiProxy, isWrite, type SeenRequest } from '../support/api-proxy.ts'
import { endState, secretsOf, untilSameAs } from '../support/end-state.ts'
import { authServiceManifest, Namespace } from '../support/namespace.ts'
import { startOperatorWith } from '../support/operator-under-test.ts'

const { kubeconfigPath, port } = inject('apiServer')
const ends: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const end of ends) await end()
})

const isEvent = ({ path }: SeenRequest) => path.includes('/events')

/** An AuthService in its own namespace, with the same name everywhere. */
async function createAuthService(namespace: Namespace): Promise<void> {
  await namespace.apply(authServiceManifest('killed'))
}

/** An operator that stops without a trace after this number of writes, as after a SIGKILL. Events do not count. */
async function startMortalOperator(namespace: Namespace, writesBeforeDeath: number, isLastWriteDone: boolean) {
  const proxy = await ApiProxy.inFrontOf(port)
  let writes = 0
  const died = Promise.withResolvers<void>()
  proxy.fault = (request) => {
    if (!isWrite(request) || isEvent(request)) return writes >= writesBeforeDeath ? { kind: 'cut' } : undefined
    writes++
    if (writes < writesBeforeDeath) return undefined
    died.resolve()
    return writes === writesBeforeDeath && isLastWriteDone ? { kind: 'cutAfterwards' } : { kind: 'cut' }
  }
  const operator = startOperatorWith(proxy.configFrom(kubeconfigPath), namespace)
  return { proxy, operator, died: died.promise }
}

test('when an operator is killed at any write of a reconcile, the next one completes it, and no secret changes', {
  timeout: 240_000,
}, async () => {
  const untouched = await Namespace.create(kubeconfigPath, `killed-0-${Date.now()}`)
  const first = await startMortalOperator(untouched, Number.POSITIVE_INFINITY, false)
  await createAuthService(untouched)
  await expect.poll(() => untouched.condition('killed', 'MongoDBReady'), { timeout: 30_000 }).toMatch(/Waiting/)
  await expect.poll(() => untouched.get('Deployment', 'killed-blue'), { timeout: 30_000 }).toBeDefined()
  const wanted = await endState(untouched, 'killed')
  // The first status follows the last child. How many more there are depends on when the watches deliver the children.
  const writes = first.proxy.writes.filter((request) => !isEvent(request))
  const steps = writes.findIndex(({ path }) => path.includes('/status')) + 1
  await first.operator.stop()
  await first.proxy.close()
  expect(steps).toBeGreaterThan(12)

  for (let step = 1; step <= steps; step++) {
    const namespace = await Namespace.create(kubeconfigPath, `killed-${step}-${Date.now()}`)
    const { proxy, operator, died } = await startMortalOperator(namespace, step, step % 2 === 0)
    await createAuthService(namespace)
    await died
    const before = await secretsOf(namespace, 'killed')
    proxy.fault = () => ({ kind: 'cut' })
    proxy.cut()
    // The parts of it that still run in this process have no effect.
    ends.push(async () => {
      await operator.stop()
      await proxy.close()
    })

    const next = await startMortalOperator(namespace, Number.POSITIVE_INFINITY, false)
    await untilSameAs(wanted, namespace, 'killed')
    expect(await secretsOf(namespace, 'killed'), `after ${step} writes`).toMatchObject(before)
    expect(next.proxy.writes.length, `writes after a death at write ${step}`).toBeLessThan(2 * steps + 10)
    await next.operator.stop()
    await next.proxy.close()
  }
})
