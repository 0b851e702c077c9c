import { componentLabel } from '../../operator/authservice/model/labels.ts'
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
export async function databasePods(kubectl: Kubectl): Promise<PodIdentity[]> {
  const list = ['get', 'pods', '--namespace', namespace, '--selector', `${componentLabel} in (mongodb, redis)`]
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
