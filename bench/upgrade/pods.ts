import { componentLabel, instanceLabel } from '../../operator/authservice/model/labels.ts'
import type { Kubectl } from '../../tools/cluster-client/kubectl.ts'
import { namespace } from './services.ts'

/** The fields of a pod that change when it is replaced or restarts. */
export interface PodIdentity {
  name: string
  uid: string
  /** The restarts of all of its containers. */
  restarts: number
}

interface ListedPod {
  metadata: { name: string; uid: string; labels: Record<string, string>; deletionTimestamp?: string }
  status: { containerStatuses?: { restartCount: number }[] }
}

/** The pods of managed MongoDBs and Redis, by name. */
export function databasePods(kubectl: Kubectl): Promise<PodIdentity[]> {
  return podsOf(kubectl, `${componentLabel} in (mongodb, redis)`)
}

/** The server pods of an AuthService, by name. */
export function serverPods(kubectl: Kubectl, name: string): Promise<PodIdentity[]> {
  return podsOf(kubectl, `${componentLabel}=server,${instanceLabel}=${name}`)
}

async function podsOf(kubectl: Kubectl, selector: string): Promise<PodIdentity[]> {
  const list = ['get', 'pods', '--namespace', namespace, '--selector', selector]
  const { items } = await kubectl.json<{ items: ListedPod[] }>(list)
  return items
    .map(({ metadata, status }) => ({
      name: metadata.name,
      uid: metadata.uid,
      restarts: (status.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0),
    }))
    .sort((one, other) => one.name.localeCompare(other.name))
}

/** The names of pods that are gone, were replaced or have restarted. */
export function replacedPods(before: readonly PodIdentity[], after: readonly PodIdentity[]): string[] {
  const isSame = (pod: PodIdentity) => after.some(({ uid, restarts }) => uid === pod.uid && restarts === pod.restarts)
  return before.filter((pod) => !isSame(pod)).map(({ name }) => name)
}

/** Waits until no rollout of the edges is in progress. */
export async function edgesRolledOut(kubectl: Kubectl, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const status = ['rollout', 'status', `deployment/${name}-edge`, '--namespace', namespace, '--timeout=180s']
    await kubectl.run(status, { timeoutSeconds: 190 })
  }
}
