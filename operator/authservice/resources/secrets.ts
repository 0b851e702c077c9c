import { metadataOf } from '../model/labels.ts'
import { encodeSecretData } from '../model/secret-data.ts'
import type { Child, RenderInput } from './render-input.ts'

/** Keys, passwords and certificates that the operator manages. */
export function renderSecrets(input: RenderInput): Child[] {
  return input.secrets.map(({ name, type, data, annotations }) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { ...metadataOf(input, name), ...(annotations !== undefined && { annotations }) },
    type,
    data: encodeSecretData(data),
  }))
}
