import { encodeSecretData } from '../secrets/secret-data.ts'
import { metadataOf } from './metadata.ts'
import type { Child, RenderInput } from './render-input.ts'

/** Keys, passwords and certificates that the operator keeps. */
export function renderSecrets(input: RenderInput): Child[] {
  return input.secrets.map(({ name, type, data, annotations }) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { ...metadataOf(input, name), ...(annotations !== undefined && { annotations }) },
    type,
    data: encodeSecretData(data),
  }))
}
