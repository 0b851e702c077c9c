import type { Placement } from '../resources/render-input.ts'
import type { Snapshot } from '../snapshot.ts'
import { type KeptRevision, keepRevisions, type RevisionsInUse, type StoredRevision } from './revisions.ts'
import { type Color, colors, type RolloutDecision, type RolloutWorld } from './world.ts'

/** Gives each colour the template of the revision that was decided for it, and keeps the revisions that may be needed. */
export function placeRevisions(
  { revision, activeColor, previewColor, templates, memory }: RolloutDecision,
  {
    wanted,
    stored,
    world,
    resolved,
  }: {
    wanted: RevisionsInUse['wanted']
    stored: ReadonlyMap<string, StoredRevision>
    world: RolloutWorld
    resolved: Snapshot['resolved']
  },
): Placement {
  const running = colors.flatMap((color) => [templates[color], world.colors[color]?.revision])
  const others = [revision, memory.currentRevision, memory.pin?.revision, ...running]
  const revisions = keepRevisions(stored, { wanted, others }, resolved.rollout.revisionHistoryLimit)
  const place = (color: Color) => {
    const kept = revisions.find((one) => one.revision === templates[color])
    return kept === undefined ? [] : [[color, templateOf(kept)] as const]
  }
  return { activeColor, previewColor, colors: Object.fromEntries(colors.flatMap(place)), revisions }
}

function templateOf({ revision, template }: KeptRevision): { revision: string; template: KeptRevision['template'] } {
  return { revision, template }
}
