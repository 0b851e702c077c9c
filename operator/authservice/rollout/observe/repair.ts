import { isDeepStrictEqual } from 'node:util'
import type { PodTemplate } from '../../model/revision.ts'
import type { Snapshot } from '../../model/snapshot.ts'
import { referencesAnnotation, templateInputAnnotations } from '../../resources/server/server.ts'
import type { RolloutRecord } from '../decide/record.ts'

/**
 * Whether a revision may repair logins, so that its rollout starts without a slot: no live server can reach its
 * databases, a Secret that servers read at startup has changed, or a user requested a restart.
 *
 * @param stable template of the last good revision; undefined if it is unknown
 */
export function isRepair(
  { authService, serverReports }: Pick<Snapshot, 'authService' | 'serverReports'>,
  { activeColor }: Pick<RolloutRecord, 'activeColor'>,
  { wanted, stable }: { wanted: PodTemplate; stable: PodTemplate | undefined },
): boolean {
  const live = [...serverReports].filter(([pod]) => pod.startsWith(`${authService.metadata.name}-${activeColor}-`))
  const works = live.length === 0 || live.some(([, { mongodb, redis }]) => mongodb.up && redis.up)
  return !works || (stable !== undefined && hasOtherInput(wanted, stable))
}

/**
 * A new release of the operator may make every server read one more Secret. That does not count as a changed Secret,
 * because all AuthServices would roll out at once.
 */
function hasOtherInput(wanted: PodTemplate, stable: PodTemplate): boolean {
  const differs = (name: string) => wanted.metadata.annotations?.[name] !== stable.metadata.annotations?.[name]
  const readsTheSame = isDeepStrictEqual(volumesOf(wanted), volumesOf(stable))
  return templateInputAnnotations.some((input) => differs(input) && (input !== referencesAnnotation || readsTheSame))
}

function volumesOf({ spec }: PodTemplate): unknown {
  return 'volumes' in spec ? spec.volumes : undefined
}
