import type { ObservedJob } from '../../model/health.ts'
import type { Manifest } from '../../model/manifest.ts'
import { runsOther } from '../../model/other-revisions.ts'
import { findChild, type Snapshot } from '../../model/snapshot.ts'
import type { RotationObservation } from '../../secrets/password-rotation.ts'
import { passwordGeneration, passwordGenerationAnnotation } from './password-generation.ts'
import { rotationJobName } from './password-rotation.ts'

/** Whether the databases and the server pods use the passwords in the Secrets. */
export function observePasswords(snapshot: Snapshot): Pick<RotationObservation, 'databasesDone' | 'podsDone'> {
  const { authService, ownSecrets, resolved } = snapshot
  const { name } = authService.metadata
  const job = rotationJobName(name, ownSecrets, resolved)
  const status = job === undefined ? undefined : findChild<Manifest & ObservedJob>(snapshot, 'Job', job)?.status
  const generation = passwordGeneration(name, ownSecrets)
  return {
    databasesDone: status?.conditions?.some((one) => one.type === 'Complete' && one.status === 'True') === true,
    podsDone: !runsOther(snapshot, ({ annotations }) => annotations?.[passwordGenerationAnnotation] === generation),
  }
}
