import { createHmac } from 'node:crypto'
import type { SecretData } from '../../model/secret-data.ts'
import { secretNames } from '../../secrets/names.ts'
import type { TemplateInput } from '../render-input.ts'
import { databaseMounts, proxySecretMount, settingMounts } from './secret-mounts.ts'

/**
 * Represents the content of the Secrets that the spec names or the edge sends, and that the server reads at startup.
 * New content changes the template and is rolled out like an update. The hash is keyed with a key of the operator and
 * the server, because a reader of Deployments could test passwords against a plain hash.
 *
 * @returns undefined if there are none
 */
export function referencedHash(input: TemplateInput): string | undefined {
  const { emailHash: own, redis, mongodb } = secretNames(input.owner.name)
  const mounts = Object.values({ ...settingMounts(input), ...databaseMounts(input) })
  const values = mounts
    .filter((mount) => mount !== undefined)
    .filter(({ secretName }) => ![own, redis, mongodb].includes(secretName))
    .map(({ secretName, key }) => input.referencedSecrets.get(secretName)?.[key])
  const proxySecret = proxySecretMount(input)
  if (proxySecret !== undefined) values.push(dataOf(input, proxySecret.secretName)?.[proxySecret.key])
  if (values.length === 0) return undefined
  const key = dataOf(input, own)?.['secret']
  if (key === undefined) return 'unknown' // nothing is written, so no pod has read them yet
  return createHmac('sha256', key)
    .update(JSON.stringify(['references', values]))
    .digest('hex')
    .slice(0, 16)
}

function dataOf({ secrets }: TemplateInput, secretName: string): SecretData | undefined {
  return secrets.find(({ name }) => name === secretName)?.data
}

/**
 * Represents the servers in the URL of an external MongoDB: one hash for each host and port, without user, password or
 * options. Two URLs with a common server lead to the same database. The name of the database is a variable of the pod,
 * not part of the URL.
 *
 * @returns undefined if MongoDB is managed, or its URL cannot be read
 * @see https://www.mongodb.com/docs/manual/reference/connection-string/
 */
export function databaseServersHash(input: TemplateInput): string | undefined {
  const { source } = input.resolved.mongodb
  const key = dataOf(input, secretNames(input.owner.name).emailHash)?.['secret']
  if (source.kind !== 'external' || key === undefined) return undefined
  const url = input.referencedSecrets.get(source.urlSecretRef.name)?.[source.urlSecretRef.key] ?? ''
  const [, srv, hosts = ''] = /^mongodb(\+srv)?:\/\/(?:[^/?]*@)?([^/?]+)/.exec(url.trim()) ?? []
  const hashes = hosts
    .toLowerCase()
    .split(',')
    .filter((host) => host !== '')
    .map((host) => (srv !== undefined || /:\d+$/.test(host) ? host : `${host}:27017`))
    .map((host) =>
      createHmac('sha256', key)
        .update(JSON.stringify(['database server', host]))
        .digest('hex'),
    )
    .map((hash) => hash.slice(0, 12))
  return hashes.length === 0 ? undefined : [...new Set(hashes)].sort().join('.')
}
