import type { Placement } from '../resources/render-input.ts'
import type { Snapshot } from '../snapshot.ts'
import { migrationSource } from './migrations.ts'
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
    resolved,
    owner,
  }: {
    wanted: RevisionsInUse['wanted']
    stored: ReadonlyMap<string, StoredRevision>
    world: RolloutWorld
    resolved: Snapshot['resolved']
    /** Name of the AuthService. */
    owner: string
  },
): Placement {
  const running = colors.flatMap((color) => [templates[color], world.colors[color]?.revision])
  const others = [revision, memory.currentRevision, memory.pin?.revision, ...running]
  const revisions = keepRevisions(stored, { wanted, others }, resolved.rollout.revisionHistoryLimit)
  const place = (color: Color) => {
    const kept = revisions.find((one) => one.revision === templates[color])
    return kept === undefined ? [] : [[color, { revision: kept.revision, template: kept.template }] as const]
  }
  const tested = revisions.find((one) => one.revision === smokeTestOf)
  const smokeTest = tested && { name: smokeTestName(owner, memory), image: tested.image }
  const migrationOf = (wantedFor: string | undefined) => {
    const kept = revisions.find((one) => one.revision === wantedFor)
    return kept && migrationSource(kept.template, memory)
  }
  return {
    activeColor,
    previewColor,
    smokeTest,
    migration: migrationOf(revision),
    contraction: migrationOf(contractionOf),
    colors: Object.fromEntries(colors.flatMap(place)),
    revisions,
  }
}
