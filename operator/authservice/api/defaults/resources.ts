import type { ResourceList } from '../presets.ts'
import type { ResolvedResources } from '../resolved-spec.ts'
import type { AuthServiceSpec } from '../spec.ts'

/**
 * Merges the requests and limits of the spec over those of the preset, for each resource separately. If a resource is
 * set only as request or only as limit, the preset value of the other is adjusted to it, so that a preset never
 * contradicts a spec.
 */
export function resolveResources(written: AuthServiceSpec['resources'], preset: ResolvedResources): ResolvedResources {
  return {
    requests: { ...preset.requests, ...overlap(written?.limits, preset.requests), ...written?.requests },
    limits: { ...preset.limits, ...overlap(written?.requests, preset.limits), ...written?.limits },
  }
}

/** The quantities of `written` whose resource is also in `preset`. */
function overlap(written: ResourceList | undefined, preset: ResourceList): ResourceList {
  return Object.fromEntries(Object.entries(written ?? {}).filter(([resource]) => resource in preset))
}
