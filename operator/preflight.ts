import { authServices, childKinds, pods } from './authservice/model/kinds.ts'
import type { KubeClient } from './kube/client.ts'
import { KubeError } from './kube/errors.ts'
import type { Log } from './kube/log.ts'
import type { Resource } from './kube/objects.ts'
import { wait } from './kube/wait.ts'

/**
 * Why the operator cannot work in this cluster, in one sentence that says what to do; undefined if it can. Makes one
 * request for each watched kind.
 */
async function findObstacle(client: KubeClient, namespaces: readonly string[]): Promise<string | undefined> {
  const scopes = namespaces.length === 0 ? [undefined] : namespaces
  const watched = [authServices, pods, ...childKinds].flatMap((resource) =>
    scopes.map((namespace) => ({ resource, namespace })),
  )
  const answers = await Promise.all(watched.map((one) => tryToList(client, one.resource, one.namespace)))
  const unreachable = answers.find((answer) => answer.kind === 'unreachable')
  if (unreachable) return `the API server cannot be reached: ${unreachable.message}`
  if (answers[0]?.kind === 'notServed') {
    return 'the CustomResourceDefinition of AuthServices is not installed: kubectl apply -f crds/'
  }
  const forbidden = answers.filter((answer) => answer.kind === 'forbidden').map(({ message }) => message)
  if (forbidden.length > 0) return `permissions are missing: ${forbidden.join('; ')}. Apply manifests/base`
  return answers.find((answer) => answer.kind === 'failed')?.message
}

/** Resolves when the operator can work. Logs each new reason why it cannot. */
export async function waitForCluster(
  client: KubeClient,
  namespaces: readonly string[],
  { log, signal, onObstacle }: { log: Log; signal: AbortSignal; onObstacle: (obstacle: string | undefined) => void },
): Promise<void> {
  let last: string | undefined
  while (!signal.aborted) {
    const obstacle = await findObstacle(client, namespaces)
    onObstacle(obstacle)
    if (obstacle === undefined) return
    if (obstacle !== last) log.error({}, `waiting: ${obstacle}`)
    last = obstacle
    await wait(2_000, signal)
  }
}

interface Answer {
  kind: 'ok' | 'unreachable' | 'notServed' | 'forbidden' | 'failed'
  message: string
}

async function tryToList(client: KubeClient, resource: Resource, namespace: string | undefined): Promise<Answer> {
  try {
    await client.list(resource, { limit: 1, ...(namespace !== undefined && { namespace }) })
    return { kind: 'ok', message: '' }
  } catch (error) {
    if (!(error instanceof KubeError)) {
      return { kind: 'unreachable', message: error instanceof Error ? error.message : String(error) }
    }
    if (error.status === 404) return { kind: 'notServed', message: error.message }
    if (error.status === 401 || error.status === 403) return { kind: 'forbidden', message: error.message }
    return { kind: 'failed', message: error.message }
  }
}
