import { expect, inject, test } from 'vitest'
import { ApiProxy, isWrite } from '../support/api-proxy.ts'
import { endState, secretsOf, untilSameAs } from '../support/end-state.ts'
import { authServiceManifest, Namespace } from '../support/namespace.ts'
import { startOperatorProcess } from '../support/operator-process.ts'

/** `npm run test:soak` kills at every write; otherwise only at a few of them, because each takes two starts. */
const atEveryWrite = process.env['KILL_AT'] === 'every-write'

const { kubeconfigPath, port } = inject('apiServer')

/** Each AuthService has its own namespace, and all have the same name. */
async function createAuthService(name: string): Promise<Namespace> {
  const namespace = await Namespace.create(kubeconfigPath, `${name}-${Date.now()}`)
  await namespace.apply(authServiceManifest('killed'))
  return namespace
}

/**
 * The moment of the kill: while the n-th write is on its way to the API server, or once the API server has executed it.
 */
interface Death {
  atWrite: number
  moment: 'before' | 'after'
}

/** Runs an operator until SIGKILL ends it at a write. @returns whether it reached that write */
async function runUntilKilled(namespace: Namespace, { atWrite, moment }: Death): Promise<boolean> {
  const proxy = await ApiProxy.inFrontOf(port)
  const killed = Promise.withResolvers<true>()
  let writes = 0
  proxy.fault = (request) => {
    if (!isWrite(request) || ++writes !== atWrite) return undefined
    const kill = () => {
      process.kill(operator.pid, 'SIGKILL')
      killed.resolve(true)
    }
    if (moment === 'after') return { kind: 'cutAfterwards', first: kill }
    kill()
    return { kind: 'cut' }
  }
  const operator = await startOperatorProcess(proxy.configFrom(kubeconfigPath), namespace.name)
  // Events about slow steps make the number of writes vary by one.
  const atRest = new Promise<false>((resolve) => setTimeout(resolve, 60_000, false))
  const wasKilled = await Promise.race([killed.promise, atRest])
  await operator.stop('SIGKILL')
  await proxy.close()
  return wasKilled
}

/** Lets an undisturbed operator finish. @returns the number of its writes */
async function finish(namespace: Namespace, wanted?: Record<string, string[]>): Promise<number> {
  const proxy = await ApiProxy.inFrontOf(port)
  const operator = await startOperatorProcess(proxy.configFrom(kubeconfigPath), namespace.name)
  try {
    if (wanted !== undefined) await untilSameAs(wanted, namespace, 'killed')
    const said = async () => `${await namespace.condition('killed', 'MongoDBReady')}\n${operator.output()}`
    await expect.poll(said, { timeout: 60_000 }).toMatch(/^False Waiting/)
    return proxy.writes.length
  } finally {
    await operator.stop()
    await proxy.close()
  }
}

/** Near the start, in the middle and near the end. */
function someOf(writes: number): Death[] {
  return [
    { atWrite: 1, moment: 'after' },
    { atWrite: Math.ceil(writes / 2), moment: 'before' },
    { atWrite: writes - 2, moment: 'after' },
  ]
}

function allOf(writes: number): Death[] {
  const steps = Array.from({ length: writes }, (_, index) => index + 1)
  return steps.flatMap((atWrite): Death[] => [
    { atWrite, moment: 'before' },
    { atWrite, moment: 'after' },
  ])
}

test('when the process of an operator is killed at a write, the next one completes it, and no secret changes', {
  timeout: atEveryWrite ? 1_800_000 : 300_000,
}, async () => {
  const untouched = await createAuthService('sigkill-never')
  const writes = await finish(untouched)
  const wanted = await endState(untouched, 'killed')
  expect(writes).toBeGreaterThan(12)
  const deaths = atEveryWrite ? allOf(writes) : someOf(writes)

  let died = 0
  for (const death of deaths) {
    const what = `killed ${death.moment} write ${death.atWrite}`
    const namespace = await createAuthService(`sigkill-${death.moment}-${death.atWrite}`)
    if (await runUntilKilled(namespace, death)) died++
    const before = await secretsOf(namespace, 'killed')
    expect(await finish(namespace, wanted), `writes after it was ${what}`).toBeLessThan(2 * writes + 10)
    expect(await secretsOf(namespace, 'killed'), `secrets after it was ${what}`).toMatchObject(before)
  }
  console.log(`${died} of ${deaths.length} operators were killed at one of ${writes} writes`)
  expect(died).toBeGreaterThan(deaths.length * 0.8)
})
