import type { RequestedActions, TakenAction } from '../actions.ts'
import type { ResolvedSpec } from '../api/resolved-spec.ts'
import type { AuthService, SecretStatus } from '../api/schema.ts'
import type { Finding } from '../finding.ts'
import type { LoadedKeys } from '../loaded-keys.ts'
import { edgeHosts } from '../resources/certificate.ts'
import { decideCertificate, type IssueCertificate, issueCertificate } from './certificates.ts'
import { generateKey } from './generate-key.ts'
import { decideKeysSecret } from './keys-secret.ts'
import { managedMongodbUrl } from './mongodb-url.ts'
import { mongodbUsers, type SecretNames, secretNames } from './names.ts'
import {
  mongodbKeys,
  type RotatedKeys,
  type RotationWorld,
  redisKeys,
  rotationKeys,
  rotationMemory,
  rotationOf,
  stepRotation,
} from './password-rotation.ts'
import { decidePasswords, mongodbKeyfile, password, type Random, systemRandom } from './passwords.ts'
import type { DesiredSecret, SecretData } from './secret-data.ts'
import type { GenerateKey } from './signing-keys.ts'

/** Where fresh secrets come from. */
export interface SecretSources {
  random: Random
  generateKey: GenerateKey
  issueCertificate: IssueCertificate
}

export const systemSources: SecretSources = { random: systemRandom, generateKey, issueCertificate }

export interface SecretsInput {
  metadata: Pick<AuthService['metadata'], 'name' | 'namespace'>
  resolved: ResolvedSpec
  /** The Secrets of this operator that exist, decoded, by name. */
  existing: ReadonlyMap<string, SecretData>
  /** Actions on the signing keys that are asked for and not taken yet. */
  asked: RequestedActions
  /** Value of the `rotate-keys` that the present key set came by. */
  rotatedBy: string | undefined
  /** What the server pods know of the keys; undefined: nobody asked. */
  loadedKeys: LoadedKeys | undefined
  /** How far the databases and the pods are with the passwords. */
  passwords: Pick<RotationWorld, 'databasesDone' | 'podsDone'>
  now: Date
  sources?: SecretSources
}

/** The operator's Secrets after a visit. */
export interface SecretsDecision {
  /** All that are wanted. What did not change is as it was, byte for byte. */
  secrets: DesiredSecret[]
  findings: Finding[]
  /** Age and state of each, for status. */
  statuses: SecretStatus[]
  /** When time alone will change this decision. */
  nextChangeAt: Date | undefined
  /** What is made or changed, and why: an event each. */
  changes: { name: string; why: string }[]
  /** Actions that are done once the Secrets are written. */
  taken: TakenAction[]
}

/** What one kind of Secret contributes. */
export type SecretPart = Partial<SecretsDecision>

/** Decides every Secret that the operator keeps for an AuthService. Makes what is missing, never replaces what is in use. */
export function decideSecrets(input: SecretsInput): SecretsDecision {
  const names = secretNames(input.metadata.name)
  const sources = input.sources ?? systemSources
  const passwords = [redisPassword(input, names, sources), mongodbPasswords(input, names, sources)]
  const parts: SecretPart[] = [
    decideKeysSecret(input, names, sources),
    ...passwords,
    emailHashSecret(input, names, sources),
    edgeCertificate(input, names, sources),
  ]
  const dates = parts.flatMap(({ nextChangeAt }) => nextChangeAt ?? [])
  return {
    secrets: parts.flatMap(({ secrets = [] }) => secrets),
    findings: parts.flatMap(({ findings = [] }) => findings),
    statuses: parts.flatMap(({ statuses = [] }) => statuses),
    changes: parts.flatMap(({ changes = [] }) => changes),
    taken: [...parts.flatMap(({ taken = [] }) => taken), ...takenRotation(input, passwords)],
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
      user: data['app-user'] ?? mongodbUsers.app,
      password: data['app-password'] ?? '',
    }),
  }))
}

/** A Secret with a password that is rotated on request. @param derive what follows from the password in use */
function rotatedPart(
  { existing, asked, passwords: world, now }: SecretsInput,
  name: string,
  { data, made }: { data: SecretData; made: readonly string[] },
  keys: RotatedKeys,
  random: Random,
  derive: (data: SecretData) => SecretData = () => ({}),
): SecretPart {
  const remembered = Object.entries(existing.get(name) ?? {}).filter(([key]) => rotationKeys(keys).includes(key))
  const before = { ...data, ...Object.fromEntries(remembered) }
  const step = stepRotation(before, keys, { asked: asked.get('rotate-passwords'), ...world, now }, () =>
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
  const noPasswords = new Set<string>([...Object.values(rotationMemory), 'rotation', keys.user ?? ''])
  return Object.keys(data)
    .filter((keyId) => !noPasswords.has(keyId))
    .map((keyId) => ({
      name,
      keyId,
      state: keyId === keys.next ? 'Pending' : keyId === keys.previous ? 'Accepted' : 'Active',
    }))
}

/** Done as an action once each Secret has taken it up; what follows is the rotation's own course. */
function takenRotation({ asked }: SecretsInput, parts: readonly SecretPart[]): TakenAction[] {
  const value = asked.get('rotate-passwords')
  if (value === undefined) return []
  const secrets = parts.flatMap(({ secrets: own = [] }) => own)
  const isTakenUp = ({ data }: DesiredSecret) =>
    rotationOf(data)?.value === value || data[rotationMemory.rotatedBy] === value
  if (!secrets.every(isTakenUp)) return []
  const message =
    secrets.length === 0
      ? 'Nothing was done: both databases are yours, and so are their passwords.'
      : `New passwords are taken into use step by step: ${secrets.map(({ name }) => name).join(', ')}.`
  return [{ name: 'rotate-passwords', value, message }]
}

/** One for the life of an AuthService: another one would make one person two in logs and security events. */
function emailHashSecret({ existing }: SecretsInput, { emailHash: name }: SecretNames, { random }: SecretSources) {
  const { data, made } = decidePasswords(existing.get(name), { secret: () => password(random) })
  return {
    secrets: [opaque(name, data)],
    statuses: [{ name, keyId: 'secret', state: 'Active' } as const],
    changes: made.length === 0 ? [] : [{ name, why: `${made.join(', ')} was missing` }],
  }
}

function edgeCertificate(
  { resolved, existing, now }: SecretsInput,
  names: SecretNames,
  sources: SecretSources,
): SecretPart {
  const { type, tls } = resolved.ingress
  if (type !== 'Nginx' || tls.kind !== 'selfSigned') return {}

  const name = names.edgeTls
  const { data, why, createdAt, renewAt } = decideCertificate(
    existing.get(name),
    edgeHosts(resolved),
    now,
    sources.issueCertificate,
  )
  const status: SecretStatus = {
    name,
    keyId: 'tls.crt',
    state: 'Active',
    createdAt: wholeSeconds(createdAt),
    nextRotationAt: wholeSeconds(renewAt),
  }
  return {
    secrets: [{ name, type: 'kubernetes.io/tls', data }],
    statuses: [status],
    nextChangeAt: renewAt,
    changes: why === undefined ? [] : [{ name, why }],
  }
}

/** A Secret of no particular type. */
export function opaque(name: string, data: SecretData): DesiredSecret {
  return { name, type: 'Opaque', data }
}

function wholeSeconds(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z')
}
