import { expect, inject, test } from 'vitest'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import { FaultyApi, isWrite } from '../kube/api-proxy.ts'
import { endState, secretsOf, untilSameAs } from './end-state.ts'
import { developmentSpec, Namespace } from './namespace.ts'
import { startOperatorProcess } from './operator-process.ts'

/** `npm run test:soak` kills at every write; otherwise it is at a few of them, for each takes two starts. */
const atEveryWrite = process.env['KILL_AT'] === 'every-write'

const { kubeconfigPath, port } = inject('apiServer')

/** Each AuthService has a namespace of its own, and all have one name. */
async function createAuthService(name: string): Promise<Namespace> {
  const namespace = await Namespace.create(kubeconfigPath, `${name}-${Date.now()}`)
  await namespace.apply({ apiVersion, kind, metadata: { name: 'killed' }, ...{ spec: developmentSpec } })
  return namespace
}

/** A death: while the n-th write is on its way to the API server, or once that has carried it out. */
interface Death {
  atWrite: number
  moment: 'before' | 'after'
}

/** Runs an operator until SIGKILL ends it at a write. @returns whether it got as far as that write */
async function runUntilKilled(namespace: Namespace, { atWrite, moment }: Death): Promise<boolean> {
  const proxy = await FaultyApi.inFrontOf(port)
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
  // Events about what is slow here and fast there make one write more or less.
  const atRest = new Promise<false>((resolve) => setTimeout(resolve, 20_000, false))
  const wasKilled = await Promise.race([killed.promise, atRest])
  await operator.stop('SIGKILL')
  await proxy.close()
  return wasKilled
}

/** Lets an operator that nobody disturbs finish. @returns the writes that it made */
async function finish(namespace: Namespace, wanted?: Record<string, string[]>): Promise<number> {
  const proxy = await FaultyApi.inFrontOf(port)
  const operator = await startOperatorProcess(proxy.configFrom(kubeconfigPath), namespace.name)
  try {
    if (wanted !== undefined) await untilSameAs(wanted, namespace, 'killed')
    const said = async () => `${await namespace.condition('killed', 'MongoDBReady')}\n${operator.output()}`
    await expect.poll(said, { timeout: 30_000 }).toMatch(/^False Waiting/)
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

test('an operator whose process is killed at a write is followed by one that finishes, and no secret changes', {
  timeout: atEveryWrite ? 1_800_000 : 180_000,
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
