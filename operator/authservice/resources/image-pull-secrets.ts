import type { RenderInput } from './render-input.ts'

/** What every pod pulls its images with: a registry of one's own often mirrors all of them. */
export function imagePullSecrets({ resolved }: Pick<RenderInput, 'resolved'>) {
  return resolved.imagePullSecrets.length > 0 ? { imagePullSecrets: resolved.imagePullSecrets } : {}
}
