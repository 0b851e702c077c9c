import type { ResourceList } from '../api/presets.ts'
import type { ResolvedResources, ResolvedSpec } from '../api/resolved-spec.ts'
import { parseQuantity } from '../model/quantity.ts'

/**
 * Resources of a container of a Job or of a set-up: the resources that it needs, unless `spec.jobs.resources` overrides
 * them. A request that the spec omits never exceeds a limit that the spec sets, because the API server would reject the
 * pod.
 */
export function jobResources(
  { jobs: { resources: written } }: Pick<ResolvedSpec, 'jobs'>,
  needed: ResolvedResources,
): ResolvedResources {
  return {
    requests: { ...needed.requests, ...beyond(written?.limits, needed.requests, -1), ...written?.requests },
    limits: { ...needed.limits, ...beyond(written?.requests, needed.limits, 1), ...written?.limits },
  }
}

/** The quantities of `written` that are below (-1) or above (1) the needed quantity of the same resource. */
function beyond(written: ResourceList | undefined, needed: ResourceList, direction: -1 | 1): ResourceList {
  const own = new Map(Object.entries(needed).map(([resource, quantity]) => [resource, parseQuantity(quantity)]))
  return Object.fromEntries(
    Object.entries(written ?? {}).filter(([resource, quantity]) => {
      const [amount, other] = [parseQuantity(quantity), own.get(resource)]
      return amount !== undefined && other !== undefined && (amount - other) * direction > 0
    }),
  )
}
