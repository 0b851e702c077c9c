import type { AuthServiceStatus } from '../../api/schema.ts'
import type { KeptRevision } from '../../model/revision.ts'
import { timestamp } from '../../model/timestamp.ts'
import { isInProgress } from '../decide/phases.ts'
import type { RolloutRecord } from '../decide/record.ts'
import { parseRolloutStatus } from '../rollout-status.ts'

type RevisionStatus = NonNullable<AuthServiceStatus['revisions']>[number]

/** Maximum length of the reason that is kept for one revision, in characters: there may be 64 of them. */
const longestFailure = 1024

/**
 * `status.revisions`: each kept revision, with its outcome, which a later rollout of another revision does not change.
 */
export function revisionStatuses(
  kept: readonly KeptRevision[],
  before: AuthServiceStatus | undefined,
  record: RolloutRecord,
  now: Date,
): RevisionStatus[] {
  const previous = new Map(before?.revisions?.map((one) => [one.name, one]))
  return kept.map(({ revision, number, image }) => ({
    name: revision,
    number,
    image,
    ...outcomeOf(revision, previous.get(revision), { before, record, now }),
  }))
}

function outcomeOf(
  revision: string,
  previous: RevisionStatus | undefined,
  { before, record, now }: { before: AuthServiceStatus | undefined; record: RolloutRecord; now: Date },
): Pick<RevisionStatus, 'servedAt' | 'outcome' | 'failure'> {
  const { servedAt, outcome, failure } = previous ?? {}
  if (revision === record.currentRevision) {
    const isSame = before?.currentRevision === revision && servedAt !== undefined
    return { servedAt: isSame ? servedAt : timestamp(now), outcome: 'Promoted' }
  }
  const served = servedAt === undefined ? {} : { servedAt }
  const ended = endOf(revision, before, record)
  if (ended !== undefined) return { ...served, ...ended }
  return { ...served, ...(outcome && { outcome }), ...(failure && { failure }) }
}

/** Outcome of a rollout that has just ended; undefined if it has not, or had ended before. */
function endOf(
  revision: string,
  before: AuthServiceStatus | undefined,
  { failedRevision, failure, lastOutcome, phase, revision: tracked }: RolloutRecord,
): Pick<RevisionStatus, 'outcome' | 'failure'> | undefined {
  if (lastOutcome === undefined || lastOutcome === 'Promoted') return undefined
  if (revision === failedRevision) {
    return { outcome: lastOutcome, ...(failure && { failure: failure.slice(0, longestFailure) }) }
  }
  const then = parseRolloutStatus(before)
  const wasInProgress = then.revision === revision && isInProgress(then.phase)
  const isOver = tracked !== revision || !isInProgress(phase)
  return wasInProgress && isOver ? { outcome: lastOutcome } : undefined
}
