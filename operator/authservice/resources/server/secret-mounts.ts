import type { SecretKeyRef } from '../../api/fields.ts'
import { identityProvidersFile } from '../../secrets/identity-providers.ts'
import { mfaKeysFile } from '../../secrets/mfa-keys.ts'
import { acceptedKeysFile, secretNames } from '../../secrets/names.ts'
import { oidcClientsFile } from '../../secrets/oidc-clients.ts'
import { oidcKeysFile } from '../../secrets/oidc-keys.ts'
import type { TemplateInput } from '../render-input.ts'

/** A Secret or ConfigMap that a program of the server reads as files. */
export interface SecretMount {
  volume: string
  /** Name of the object. */
  secretName: string
  /** `Secret` if omitted. */
  kind?: 'ConfigMap'
  /** Key in the object, and name of the file. */
  key: string
  /** true: the pod also starts without it. */
  optional?: boolean
}

const mountRoot = '/etc/authservice'

const mount = (volume: string, { name, key }: { name: string; key: string }): SecretMount => ({
  volume,
  secretName: name,
  key,
})

/**
 * Secrets for the connections to the databases. Each has its own folder: the kubelet updates only whole volumes when a
 * Secret changes.
 */
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

/** The keys that sign tokens. */
export function keysMount({ owner, resolved }: TemplateInput): SecretMount {
  const { signingKeys } = resolved.tokens
  return signingKeys.kind === 'generated'
    ? mount('keys', { name: secretNames(owner.name).keys, key: 'keys.json' })
    : mount('keys', signingKeys.secretRef)
}

/** Keys that the user's own keys have replaced: their tokens are accepted for a while. */
export function acceptedKeysMount({ owner, resolved }: TemplateInput): SecretMount | undefined {
  if (resolved.tokens.signingKeys.kind === 'generated') return undefined
  const { keys } = secretNames(owner.name)
  return { ...mount('accepted-keys', { name: keys, key: acceptedKeysFile }), optional: true }
}

/** The keys that encrypt secrets of second factors, if the spec enables them. */
export function mfaKeysMount({ owner, resolved: { mfa } }: TemplateInput): SecretMount | undefined {
  if (mfa.mode === 'Disabled') return undefined
  return mount('mfa-keys', { name: secretNames(owner.name).mfaKeys, key: mfaKeysFile })
}

/** Keys of ID tokens, clients, and other providers, if the spec has an OpenID provider. The server reads them again when they change. */
export function oidcMounts({
  owner,
  resolved: { oidc },
}: TemplateInput): Record<'keys' | 'clients' | 'identityProviders', SecretMount> | undefined {
  if (oidc === undefined) return undefined
  const names = secretNames(owner.name)
  return {
    keys: mount('oidc-keys', { name: names.oidcKeys, key: oidcKeysFile }),
    clients: mount('oidc-clients', { name: names.oidcClients, key: oidcClientsFile }),
    // Also without providers, so that the first one replaces no pod.
    identityProviders: mount('identity-providers', { name: names.identityProviders, key: identityProvidersFile }),
  }
}

/** Key of the ConfigMap with brand and texts of the pages. */
export const pagesFile = 'pages.json'

export function pagesName(authService: string): string {
  return `${authService}-pages`
}

/**
 * Brand and texts of the pages of an OpenID provider. The server reads them again when they change. Optional: a revision
 * from before `oidc.enabled: false` still starts, with plain pages.
 */
export function pagesMount({ owner, resolved: { oidc } }: TemplateInput): SecretMount | undefined {
  if (oidc === undefined) return undefined
  return { ...mount('pages', { name: pagesName(owner.name), key: pagesFile }), kind: 'ConfigMap', optional: true }
}

/** Secrets that only the server reads, once, at startup. */
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

export const proxySecretVolume = 'edge-secret'

/** The secret that the Nginx edge sends, once all of its pods do; no other proxy can send it. */
export function proxySecretMount(input: TemplateInput): SecretMount | undefined {
  const { owner, resolved, edgeShowsSecret } = input
  if (resolved.ingress.type !== 'Nginx' || !edgeShowsSecret) return undefined
  return mount(proxySecretVolume, { name: secretNames(owner.name).edgeSecret, key: 'secret' })
}

/** Secrets that only the migration mounts: no server pod may read the password of the first administrator. */
export function initialAdminMount(passwordSecretRef: SecretKeyRef): SecretMount {
  return mount('initial-admin', passwordSecretRef)
}

/** Every Secret of a server pod. */
export function serverMounts(input: TemplateInput): SecretMount[] {
  return present({
    keys: keysMount(input),
    acceptedKeys: acceptedKeysMount(input),
    mfaKeys: mfaKeysMount(input),
    oidcKeys: oidcMounts(input)?.keys,
    oidcClients: oidcMounts(input)?.clients,
    pages: pagesMount(input),
    identityProviders: oidcMounts(input)?.identityProviders,
    ...databaseMounts(input),
    ...settingMounts(input),
    proxySecret: proxySecretMount(input),
  })
}

function present(mounts: Readonly<Record<string, SecretMount | undefined>>): SecretMount[] {
  return Object.values(mounts).filter((one) => one !== undefined)
}

/** Path of the file in the container. */
export function pathOf({ volume, key }: SecretMount): string {
  return `${mountRoot}/${volume}/${key}`
}

export function mountPathOf({ volume }: SecretMount): string {
  return `${mountRoot}/${volume}`
}

/** The volumes of a pod with these Secrets. */
export function volumesOf(mounts: readonly SecretMount[]) {
  return [{ name: 'tmp', emptyDir: { sizeLimit: '16Mi' } }, ...mounts.map(volumeOf)]
}

export function volumeOf({ volume, secretName, kind, key, optional }: SecretMount) {
  const content = { items: [{ key, path: key }], ...(optional === true && { optional }) }
  return kind === 'ConfigMap'
    ? { name: volume, configMap: { name: secretName, ...content } }
    : { name: volume, secret: { secretName, ...content } }
}

/** Their mounts in the container. */
export function volumeMountsOf(mounts: readonly SecretMount[]) {
  return [{ name: 'tmp', mountPath: '/tmp' }, ...mounts.map(volumeMountOf)]
}

export function volumeMountOf(mount: SecretMount) {
  return { name: mount.volume, mountPath: mountPathOf(mount), readOnly: true }
}
