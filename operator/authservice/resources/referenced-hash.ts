import { createHmac } from 'node:crypto'
import { secretNames } from '../secrets/names.ts'
import type { TemplateInput } from './render-input.ts'
import { settingMounts } from './secret-mounts.ts'

/**
 * Stands for the content of the Secrets that a spec names and that the server reads when it starts: other content is
 * another template, so that it reaches the pods as an update does. With a key that only the operator and the server
 * have, for whoever sees a Deployment could try passwords on a plain hash.
 *
 * @returns undefined where the spec names none
 */
export function referencedHash(input: TemplateInput): string | undefined {
  const own = secretNames(input.owner.name).emailHash
  const mounts = Object.values(settingMounts(input)).filter((mount) => mount !== undefined)
  const values = mounts
    .filter(({ secretName }) => secretName !== own)
    .map(({ secretName, key }) => input.referencedSecrets.get(secretName)?.[key])
  if (values.length === 0) return undefined
  const key = input.secrets.find(({ name }) => name === own)?.data['secret']
  if (key === undefined) return 'unknown' // nothing is written, so there is no pod yet that has read them
  return createHmac('sha256', key)
    .update(JSON.stringify(['references', values]))
    .digest('hex')
    .slice(0, 16)
}
