import { metadataOf } from '../model/labels.ts'
import type { Child, RenderInput } from './render-input.ts'

/**
 * The pod templates that can run again, one ControllerRevision for each.
 * @see https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/controller-revision-v1/
 */
export function renderRevisions(input: RenderInput): Child[] {
  return input.placement.revisions.map(({ revision, number, image, template }) => ({
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: metadataOf(input, `${input.owner.name}-${revision}`, 'server'),
    revision: number,
    data: { template, image },
  }))
}
