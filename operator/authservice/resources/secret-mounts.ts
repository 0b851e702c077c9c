import { secretNames } from '../secrets/names.ts'
import type { TemplateInput } from './render-input.ts'

/** A Secret that a program of the server reads as files. */
export interface SecretMount {
  volume: string
  secretName: string
  /** Key in the Secret, which is the name of the file as well. */
  key: string
}

const mountRoot = '/etc/authservice'

const mount = (volume: string, { name, key }: { name: string; key: string }): SecretMount => ({
  volume,
  secretName: name,
  key,
})

/** What it takes to connect to the databases. Each in a folder of its own: only a whole volume is renewed when its Secret changes. */
export function databaseMounts({ owner, resolved }: TemplateInput) {
  const names = secretNames(owner.name)
  const { mongodb, redis } = resolved
  const external = mongodb.source.kind === 'external' ? mongodb.source : undefined
  const externalRedis = redis.kind === 'external' ? redis : undefined
  return {
    mongodb: mount('mongodb', external?.urlSecretRef ?? { name: names.mongodb, key: 'url' }),
    mongodbCa: external?.caSecretRef && mount('mongodb-ca', external.caSecretRef),
    redis:
      externalRedis === undefined
        ? mount('redis', { name: names.redis, key: 'password' })
        : externalRedis.passwordSecretRef && mount('redis', externalRedis.passwordSecretRef),
    redisCa: externalRedis?.tls.caSecretRef && mount('redis-ca', externalRedis.tls.caSecretRef),
  }
}

/** What signs the tokens. */
export function keysMount({ owner, resolved }: TemplateInput): SecretMount {
  const { signingKeys } = resolved.tokens
  return signingKeys.kind === 'generated'
    ? mount('keys', { name: secretNames(owner.name).keys, key: 'keys.json' })
    : mount('keys', signingKeys.secretRef)
}

/** What the server alone reads, once, when it starts. */
export function settingMounts({ owner, resolved: { mail, oauthClientsSecretRef } }: TemplateInput) {
  const { userSecretRef, passwordSecretRef, caSecretRef } = mail?.smtp ?? {}
  return {
    emailHash: mount('email-hash', { name: secretNames(owner.name).emailHash, key: 'secret' }),
    smtpUser: userSecretRef && mount('smtp-user', userSecretRef),
    smtpPassword: passwordSecretRef && mount('smtp-password', passwordSecretRef),
    smtpCa: caSecretRef && mount('smtp-ca', caSecretRef),
    oauthClients: oauthClientsSecretRef && mount('oauth-clients', oauthClientsSecretRef),
  }
}

/** What only the migration reads: it is made from the pods of its revision. */
export function initialAdminMount({ resolved: { initialAdmin } }: TemplateInput): SecretMount | undefined {
  return initialAdmin && mount('initial-admin', initialAdmin.passwordSecretRef)
}

/** Every Secret of a server pod. */
export function serverMounts(input: TemplateInput): SecretMount[] {
  return present({
    keys: keysMount(input),
    ...databaseMounts(input),
    ...settingMounts(input),
    initialAdmin: initialAdminMount(input),
  })
}

function present(mounts: Readonly<Record<string, SecretMount | undefined>>): SecretMount[] {
  return Object.values(mounts).filter((one) => one !== undefined)
}

/** Where the program finds the file. */
export function pathOf({ volume, key }: SecretMount): string {
  return `${mountRoot}/${volume}/${key}`
}

export function mountPathOf({ volume }: SecretMount): string {
  return `${mountRoot}/${volume}`
}

/** The volumes of a pod with these Secrets. */
export function volumesOf(mounts: readonly SecretMount[]) {
  return [
    { name: 'tmp', emptyDir: { sizeLimit: '16Mi' } },
    ...mounts.map(({ volume, secretName, key }) => ({
      name: volume,
      secret: { secretName, items: [{ key, path: key }] },
    })),
  ]
}

/** Where its container has them. */
export function volumeMountsOf(mounts: readonly SecretMount[]) {
  return [
    { name: 'tmp', mountPath: '/tmp' },
    ...mounts.map((one) => ({ name: one.volume, mountPath: mountPathOf(one), readOnly: true })),
  ]
}
