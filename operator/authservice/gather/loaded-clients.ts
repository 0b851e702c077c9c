import type { AuthService } from '../api/schema.ts'
import { colorLabel } from '../model/labels.ts'
import type { LabelledPod, ServerReports } from '../model/observed-objects.ts'
import { podsOf } from '../model/snapshot.ts'
import type { LoadedClients } from './cluster-reader.ts'

/** Which file of OpenID clients each ready server of the colour with the traffic has loaded. */
export function loadedClientsOf(
  { status }: Pick<AuthService, 'status'>,
  pods: readonly LabelledPod[],
  reports: ServerReports,
): LoadedClients[] {
  const live = status?.activeColor ?? 'blue'
  return podsOf({ pods }, 'server')
    .filter((pod) => pod.metadata.labels?.[colorLabel] === live && isReady(pod))
    .map(({ metadata: { name } }) => ({ pod: name, revision: reports.get(name)?.oidcClients }))
}

function isReady({ metadata, status }: LabelledPod): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  return metadata.deletionTimestamp === undefined && ready?.status === 'True'
}
