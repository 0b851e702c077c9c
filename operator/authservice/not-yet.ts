import type { ResolvedSpec } from './api/resolved-spec.ts'
import type { AuthServiceSpec } from './api/schema.ts'
import type { Finding } from './finding.ts'

/** Something that a spec can ask for and this version does not do. */
interface NotYet {
  isAskedFor: (spec: AuthServiceSpec, resolved: ResolvedSpec) => boolean
  kind: Finding['kind']
  condition: Finding['condition']
  /** What happens instead, and what to do. */
  message: string
}

/**
 * What the schema has and this version leaves undone; the schema marks the same fields with `notYet`. Where clients
 * could not reach the server, or not as the spec promises, the AuthService stalls; the rest goes on with a note.
 */
const unfinished: NotYet[] = [
  {
    isAskedFor: ({ rollout }) => rollout?.blueGreen?.previewHost !== undefined,
    kind: 'note',
    condition: 'RolloutProgressing',
    message:
      'spec.rollout.blueGreen.previewHost is not yet acted upon in 0.1: inside the cluster, Service <name>-preview leads to the new colour.',
  },
]

/** What the spec asks for in vain, each with what to do instead. */
export function findNotYet(spec: AuthServiceSpec, resolved: ResolvedSpec): Finding[] {
  return unfinished
    .filter(({ isAskedFor }) => isAskedFor(spec, resolved))
    .map(({ kind, condition, message }) => ({ kind, condition, reason: 'NotSupportedYet', message }))
}
