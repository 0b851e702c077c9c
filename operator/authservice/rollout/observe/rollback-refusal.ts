import { group } from '../../api/group.ts'
import type { PodTemplate } from '../../model/revision.ts'
import type { Snapshot } from '../../model/snapshot.ts'

/** Names a revision that may return although its servers let users with a second factor in by their password alone. */
const passwordOnlyAnnotation = `${group}/allow-password-only`

/** The part of the pod template of a server that has its variables. */
interface ServerPod {
  containers?: readonly { name: string; env?: readonly { name: string; value?: string }[] }[]
}

/** A revision that a user asks to return to. */
interface RequestedRollback {
  /** As the user named it: by number or hash. */
  named: string
  /** Its hash. */
  revision: string
  /** undefined: it is not stored, so it cannot return anyway. */
  template: PodTemplate | undefined
}

/**
 * Why a requested rollback is refused: users have second factors, and the servers of the revision ask for none, so whoever
 * knows a password could log in.
 *
 * @param isAllowed whether a value of the annotation names the revision
 * @returns undefined if it is not refused
 */
export function rollbackRefusal(
  { authService, serverReports }: Pick<Snapshot, 'authService' | 'serverReports'>,
  { named, revision, template }: RequestedRollback,
  isAllowed: (value: string) => boolean,
): string | undefined {
  if (template === undefined || asksForSecondFactors(template)) return undefined
  const usersHaveSome = [...serverReports.values()].some(
    ({ usersHaveSecondFactors }) => usersHaveSecondFactors === true,
  )
  if (!usersHaveSome) return undefined
  const allowed = authService.metadata.annotations?.[passwordOnlyAnnotation]
  if (allowed !== undefined && isAllowed(allowed)) return undefined
  return (
    `Refused: revision ${revision} has no second factors, and users have enrolled some. They would log in with their ` +
    `password alone. To return to it anyway, annotate with ${passwordOnlyAnnotation}=${named}, and request the rollback again.`
  )
}

/** A server without the variable, or an earlier version, has no second factors. */
function asksForSecondFactors(template: PodTemplate): boolean {
  // `serverTemplate` created every template of a revision.
  const { containers = [] } = template.spec as ServerPod
  const env = containers.find(({ name }) => name === 'server')?.env ?? []
  const mode = env.find(({ name }) => name === 'MFA_MODE')?.value
  return mode !== undefined && mode !== 'off'
}
