import type { Manifest } from '../apply/plan.ts'
import type { ObservedJob } from '../health.ts'
import { rotationJobName } from '../resources/password-rotation.ts'
import { passwordsBy, passwordsByAnnotation } from '../resources/server.ts'
import { runsOther } from '../rollout/other-revisions.ts'
import type { RotationWorld } from '../secrets/password-rotation.ts'
import { findChild, type Snapshot } from '../snapshot.ts'

/** How far the databases and the server pods are with the passwords that the Secrets hold. */
export function observePasswords(snapshot: Snapshot): Pick<RotationWorld, 'databasesDone' | 'podsDone'> {
  const { authService, ownSecrets } = snapshot
  const { name } = authService.metadata
  const job = rotationJobName(name, ownSecrets)
  const status = job === undefined ? undefined : findChild<Manifest & ObservedJob>(snapshot, 'Job', job)?.status
  const by = passwordsBy(name, ownSecrets)
  return {
    databasesDone: status?.conditions?.some((one) => one.type === 'Complete' && one.status === 'True') === true,
    podsDone: !runsOther(snapshot, ({ annotations }) => annotations?.[passwordsByAnnotation] === by),
  }
}
