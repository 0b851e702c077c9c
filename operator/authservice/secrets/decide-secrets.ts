import { createHmac } from 'node:crypto'
import { appUsers } from '@authservice-operator/contract/database-secrets.ts'
import { edgeHosts } from '../api/edge-hosts.ts'
import type { SecretStatus } from '../api/schema.ts'
import type { ActionTaken } from '../model/actions.ts'
import type { DesiredSecret, SecretData } from '../model/secret-data.ts'
import { timestamp } from '../model/timestamp.ts'
import { type CertificateDecision, decideAuthority, decideCertificate } from './certificates.ts'
import type { SecretPart, SecretSources, SecretsDecision, SecretsInput } from './decision.ts'
import { decideIdentityProvidersSecret } from './identity-providers.ts'
import { decideKeysSecret } from './keys-secret.ts'
import { decideMfaKeysSecret } from './mfa-keys.ts'
import { managedMongodbUrl } from './mongodb-url.ts'
import { type SecretNames, secretNames } from './names.ts'
import { decideOidcClientsSecret } from './oidc-clients.ts'
import { decideOidcKeysSecret } from './oidc-keys-secret.ts'
import {
  mongodbKeys,
  originKey,
  type RotatedKeys,
  redisKeys,
  rotationKeys,
  rotationOf,
  rotationRecordKeys,
  stepRotation,
} from './password-rotation.ts'
import { decidePasswords, mongodbKeyfile, password, type Random } from './passwords.ts'

/**
 * Decides every Secret that the operator manages for an AuthService. Generates missing values, and never replaces
 * values in use.
 */
export function decideSecrets(input: SecretsInput, sources: SecretSources): SecretsDecision {
  const names = secretNames(input.metadata.name)
  const passwords = [redisPassword(input, names, sources), mongodbPasswords(input, names, sources)]
  const emailHash = ownSecret(input, names.emailHash, () => password(sources.random))
  const edgeSecret = ownSecret(input, names.edgeSecret, () => edgeSecretFrom(emailHash.secret))
  const parts: SecretPart[] = [
    decideKeysSecret(input, names, sources),
    decideMfaKeysSecret(input, names.mfaKeys, sources.random),
    decideOidcKeysSecret(input, names.oidcKeys, sources.generateOidcKey),
    decideOidcClientsSecret(input, names.oidcClients),
    decideIdentityProvidersSecret(input, names.identityProviders),
    ...passwords,
    emailHash.part,
    edgeSecret.part,
    edgeCertificate(input, names, sources),
  ]
  const dates = parts.flatMap(({ nextChangeAt }) => nextChangeAt ?? [])
  return {
    secrets: parts.flatMap(({ secrets = [] }) => secrets),
    findings: parts.flatMap(({ findings = [] }) => findings),
    statuses: parts.flatMap(({ statuses = [] }) => statuses),
    changes: parts.flatMap(({ changes = [] }) => changes),
    actionsTaken: [...parts.flatMap(({ actionsTaken = [] }) => actionsTaken), ...rotationTaken(input, passwords)],
    nextChangeAt: dates.sort((one, other) => one.getTime() - other.getTime())[0],
  }
}

function redisPassword(input: SecretsInput, names: SecretNames, { random }: SecretSources): SecretPart {
  if (input.resolved.redis.kind === 'external') return {}
  const decided = decidePasswords(input.existing.get(names.redis), { password: () => password(random) })
  return rotatedPart(input, names.redis, decided, redisKeys, random)
}

function mongodbPasswords(input: SecretsInput, names: SecretNames, { random }: SecretSources): SecretPart {
  const { metadata, resolved, existing } = input
  if (resolved.mongodb.source.kind === 'external') return {}
  const decided = decidePasswords(existing.get(names.mongodb), {
    'admin-password': () => password(random),
    'app-password': () => password(random),
    keyfile: () => mongodbKeyfile(random),
  })
  return rotatedPart(input, names.mongodb, decided, mongodbKeys, random, (data) => ({
    url: managedMongodbUrl(metadata, {
      database: resolved.mongodb.database,
      user: data['app-user'] ?? appUsers[0],
      password: data['app-password'] ?? '',
    }),
  }))
}

/** A Secret with a password that is rotated on request. @param derive keys that depend on the password in use */
function rotatedPart(
  { existing, requested, passwords: observed, now }: SecretsInput,
  name: string,
  { data, made }: { data: SecretData; made: readonly string[] },
  keys: RotatedKeys,
  random: Random,
  derive: (data: SecretData) => SecretData = () => ({}),
): SecretPart {
  const remembered = Object.entries(existing.get(name) ?? {}).filter(([key]) => rotationKeys(keys).includes(key))
  const origin = made.length === 0 ? {} : { [originKey]: random(6).toString('hex') }
  const before = { ...data, ...Object.fromEntries(remembered), ...origin }
  const step = stepRotation(before, keys, { requested: requested.get('rotate-passwords'), ...observed, now }, () =>
    password(random),
  )
  const after = { ...step.data, ...derive(step.data) }
  return {
    secrets: [opaque(name, after)],
    statuses: passwordStatuses(name, after, keys),
    nextChangeAt: step.nextChangeAt,
    changes: [
      ...(made.length === 0 ? [] : [{ name, why: `${made.join(', ')} was missing` }]),
      ...(step.why === undefined ? [] : [{ name, why: step.why }]),
    ],
  }
}

function passwordStatuses(name: string, data: SecretData, keys: RotatedKeys): SecretStatus[] {
  const noPasswords = new Set<string>([...Object.values(rotationRecordKeys), originKey, 'rotation', keys.user ?? ''])
  return Object.keys(data)
    .filter((keyId) => !noPasswords.has(keyId))
    .map((keyId) => ({
      name,
      keyId,
      state: keyId === keys.next ? 'Pending' : keyId === keys.previous ? 'Accepted' : 'Active',
    }))
}

/** The action counts as taken once each Secret contains the rotation, which then proceeds by itself. */
function rotationTaken({ requested }: SecretsInput, parts: readonly SecretPart[]): ActionTaken[] {
  const value = requested.get('rotate-passwords')
  if (value === undefined) return []
  const secrets = parts.flatMap(({ secrets: own = [] }) => own)
  const isTakenUp = ({ data }: DesiredSecret) =>
    rotationOf(data)?.value === value || data[rotationRecordKeys.rotatedBy] === value
  if (!secrets.every(isTakenUp)) return []
  const message =
    secrets.length === 0
      ? 'Nothing was done: both databases are external, and you manage their passwords.'
      : `Rotating passwords step by step: ${secrets.map(({ name }) => name).join(', ')}.`
  return [{ name: 'rotate-passwords', value, message }]
}

/**
 * Generated once for an AuthService: with another key, one user would appear as two in logs and security events, and
 * the servers would not recognize the edge. Exists whatever the spec says, so that pods of kept revisions find it.
 */
function ownSecret({ existing }: SecretsInput, name: string, make: () => string): { part: SecretPart; secret: string } {
  const { data, made } = decidePasswords(existing.get(name), { secret: make })
  const part: SecretPart = {
    secrets: [opaque(name, data)],
    statuses: [{ name, keyId: 'secret', state: 'Active' }],
    changes: made.length === 0 ? [] : [{ name, why: `${made.join(', ')} was missing` }],
  }
  return { part, secret: data.secret }
}

/**
 * A lost secret is derived again with the same value, so that edge and servers, which have read it, still accept each
 * other.
 */
function edgeSecretFrom(emailHashSecret: string): string {
  // Another text would result in another secret: running edge and server pods would no longer accept each other.
  return createHmac('sha256', emailHashSecret).update('what the edge shows the server').digest('base64url')
}

function edgeCertificate(
  { resolved, existing, now }: SecretsInput,
  names: SecretNames,
  sources: SecretSources,
): SecretPart {
  const { type, tls } = resolved.ingress
  if (type !== 'Nginx' || tls.kind !== 'selfSigned') return {}

  const { issuer } = sources
  const authority = decideAuthority(existing.get(names.edgeCa), now, issuer)
  const certificate = decideCertificate(existing.get(names.edgeTls), edgeHosts(resolved), now, (hosts, at) =>
    issuer.certificate(hosts, authority.data, at),
  )
  const parts = [
    { name: names.edgeTls, ...certificate },
    { name: names.edgeCa, ...authority },
  ]
  return {
    secrets: parts.map(({ name, data }) => ({ name, type: 'kubernetes.io/tls', data })),
    statuses: parts.map(certificateStatus),
    nextChangeAt: new Date(Math.min(...parts.map(({ renewAt }) => renewAt.getTime()))),
    changes: parts.flatMap(({ name, why }) => (why === undefined ? [] : [{ name, why }])),
  }
}

function certificateStatus({ name, createdAt, renewAt }: CertificateDecision & { name: string }): SecretStatus {
  return {
    name,
    keyId: 'tls.crt',
    state: 'Active',
    createdAt: timestamp(createdAt),
    nextRotationAt: timestamp(renewAt),
  }
}

/** A Secret of type Opaque. */
export function opaque(name: string, data: SecretData): DesiredSecret {
  return { name, type: 'Opaque', data }
}
