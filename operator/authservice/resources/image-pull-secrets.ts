import type { RenderInput } from './render-input.ts'

/** Pull secrets of every pod: a private registry often mirrors all images. */
export function imagePullSecrets({ resolved }: Pick<RenderInput, 'resolved'>) {
  return resolved.imagePullSecrets.length > 0 ? { imagePullSecrets: resolved.imagePullSecrets } : {}
}
