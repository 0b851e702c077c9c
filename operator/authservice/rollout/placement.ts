import type { Placement } from '../resources/render-input.ts'
import type { Snapshot } from '../snapshot.ts'
import { migrationOf, migrationTakenOver } from './migrations.ts'
import { keepRevisions, type RevisionsInUse, type StoredRevision } from './revisions.ts'
import { smokeTestName } from './smoke-test.ts'
import { type Color, colors, type RolloutDecision, type RolloutWorld } from './world.ts'

/** Gives each colour the template of the revision that was decided for it, and keeps the revisions that may be needed. */
export function placeRevisions(
  { revision, activeColor, previewColor, templates, smokeTestOf, contractionOf, memory }: RolloutDecision,
  {
    wanted,
    stored,
    world,
    snapshot,
  }: {
    wanted: RevisionsInUse['wanted']
    stored: ReadonlyMap<string, StoredRevision>
    world: RolloutWorld
    snapshot: Snapshot
  },
): Placement {
  const running = colors.flatMap((color) => [templates[color], world.colors[color]?.revision])
  const others = [revision, memory.currentRevision, memory.pin?.revision, ...running]
  const revisions = keepRevisions(stored, { wanted, others }, snapshot.resolved.rollout.revisionHistoryLimit)
  const place = (color: Color) => {
    const kept = revisions.find((one) => one.revision === templates[color])
    return kept === undefined ? [] : [[color, { revision: kept.revision, template: kept.template }] as const]
  }
  const tested = revisions.find((one) => one.revision === smokeTestOf)
  const smokeTest = tested && { name: smokeTestName(snapshot.authService.metadata.name, memory), image: tested.image }
  const templateOf = (wantedFor: string | undefined) => revisions.find((one) => one.revision === wantedFor)?.template
  const next = templateOf(revision)
  const contracted = templateOf(contractionOf)
  return {
    activeColor,
    previewColor,
    smokeTest,
    migration: next && migrationOf(snapshot, 'expand', next, memory),
    // One that is there for the same image and database stays on the way of the next revision, which needs no other one.
    contraction:
      (next && migrationTakenOver(snapshot, 'contract', next)) ??
      (contracted && migrationOf(snapshot, 'contract', contracted, memory)),
    colors: Object.fromEntries(colors.flatMap(place)),
    revisions,
  }
}
