import type { ResolvedSpec } from './resolved-spec.ts'
/** Host names of the server, the main one first. */
export function edgeHosts({ ingress, rollout }: Pick<ResolvedSpec, 'ingress' | 'rollout'>): string[] {
  const { previewHost } = rollout.blueGreen
  return [ingress.host, ...(previewHost === undefined ? [] : [previewHost])]
}
