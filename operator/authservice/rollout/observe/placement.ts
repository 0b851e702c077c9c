import { type Color, colors } from '../../model/colors.ts'
import type { Snapshot } from '../../model/snapshot.ts'
import type { Placement } from '../../resources/render-input.ts'
import type { RolloutDecision } from '../decide/decision.ts'
import type { RolloutObservation } from '../decide/observation.ts'
import { unsharedStates } from './colors-apart.ts'
import { migrationOf, migrationTakenOver } from './migrations.ts'
import { keepRevisions, type RevisionsInUse, type StoredRevision } from './revisions.ts'
import { smokeTestName } from './smoke-test.ts'

/** Assigns to each colour the template of its revision, and keeps the revisions that may be needed. */
export function placeRevisions(
  { revision, activeColor, previewColor, templates, smokeTestOf, contractionOf, record }: RolloutDecision,
  {
    wanted,
    stored,
    observed,
    snapshot,
  }: {
    wanted: RevisionsInUse['wanted']
    stored: ReadonlyMap<string, StoredRevision>
    observed: RolloutObservation
    snapshot: Snapshot
  },
): Placement {
  const running = colors.flatMap((color) => [templates[color], observed.colors[color]?.revision])
  const others = [revision, record.currentRevision, record.pin?.revision, ...running]
  const revisions = keepRevisions(stored, { wanted, others }, snapshot.resolved.rollout.revisionHistoryLimit)
  const place = (color: Color) => {
    const kept = revisions.find((one) => one.revision === templates[color])
    return kept === undefined ? [] : [[color, { revision: kept.revision, template: kept.template }] as const]
  }
  const tested = revisions.find((one) => one.revision === smokeTestOf)
  const live = revisions.find((one) => one.revision === templates[activeColor])
  const smokeTest = tested && {
    name: smokeTestName(snapshot, record),
    image: tested.image,
    unshared: live === undefined ? [] : unsharedStates(tested.template, live.template),
  }
  const templateOf = (wantedFor: string | undefined) => revisions.find((one) => one.revision === wantedFor)?.template
  const next = templateOf(revision)
  const contracted = templateOf(contractionOf)
  return {
    activeColor,
    previewColor,
    smokeTest,
    migration: next && migrationOf(snapshot, 'expand', next, record),
    // An existing migration for the same image and database stays for the next revision, which needs no other one.
    contraction:
      (next && migrationTakenOver(snapshot, 'contract', next)) ??
      (contracted && migrationOf(snapshot, 'contract', contracted, record)),
    colors: Object.fromEntries(colors.flatMap(place)),
    revisions,
  }
}
