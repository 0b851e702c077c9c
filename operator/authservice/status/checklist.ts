import { group } from '../api/group.ts'
import type { ResolvedSpec } from '../api/resolved-spec.ts'
import type { AuthServiceSpec, ChecklistItem, Environment } from '../api/schema.ts'
import type { ConditionType, ConditionUpdate } from '../model/condition.ts'
import type { Finding } from '../model/finding.ts'
import type { SecretData } from '../model/secret-data.ts'
import { backupName } from '../resources/jobs/backup.ts'
import { openDashboards, type WantedMonitoring } from '../resources/monitoring/wanted.ts'
import { type BackupState, openBackup } from '../validate/backup-state.ts'

/** Input of the checklist. */
export interface ChecklistInput {
  /** Of the AuthService. */
  name: string
  spec: AuthServiceSpec
  resolved: ResolvedSpec
  /** The Secrets that the spec names, decoded. */
  secrets: ReadonlyMap<string, SecretData>
  findings: readonly Finding[]
  /** undefined: the spec has no backups. */
  backup: BackupState | undefined
  monitoring: WantedMonitoring
  /** Annotations of the AuthService: users and pipelines confirm facts there that only they can know. */
  annotations: Readonly<Record<string, string>>
  /** Desired version of the server, as in `status.version`. */
  version: string
}

/**
 * Statements of users about one version of the server: `<annotation>: <version>`. Another version opens the item again.
 */
const attestations = {
  loadTest: `${group}/load-tested`,
  securityScan: `${group}/security-scanned`,
} as const

/** One requirement for an AuthService that serves customers. */
interface Item {
  item: string
  /** What is still missing; undefined: nothing. */
  open: (input: ChecklistInput) => string | undefined
}

/**
 * Maximum number of login attempts per minute from one address in production. bcrypt with cost 12 takes five times as
 * long to answer.
 */
const mostLoginsPerMinute = 60

const items: Item[] = [
  {
    item: 'Environment',
    open: ({ resolved }) =>
      resolved.environment === 'production' ? undefined : 'write environment: production, which has stricter presets',
  },
  {
    item: 'MongoDBConnection',
    open: ({ resolved, findings }) => {
      if (isStalled('MongoDBReady', findings)) return 'correct what MongoDBReady reports'
      return resolved.mongodb.source.kind === 'external'
        ? undefined
        : 'use mongodb.external with a replica set of three members: the managed MongoDB has one member and no TLS'
    },
  },
  {
    item: 'RedisConnection',
    open: ({ resolved: { redis }, findings }) => {
      if (isStalled('RedisReady', findings)) return 'correct what RedisReady reports'
      if (redis.kind === 'managed') return 'use redis.external with a Redis that survives the loss of a node'
      return redis.tls.enabled ? undefined : 'encrypt the connection with redis.external.tls'
    },
  },
  {
    item: 'SigningKeys',
    open: ({ findings }) => (isStalled('SecretsReady', findings) ? 'correct what SecretsReady reports' : undefined),
  },
  {
    item: 'SecondFactors',
    open: ({ resolved: { mfa } }) => {
      if (mfa.mode === 'Disabled') {
        return 'write mfa.mode: Optional or Required, so that users can protect their accounts with a second factor'
      }
      return mfa.mode === 'Required' || mfa.requiredRoles.includes('admin')
        ? undefined
        : 'require a second factor of administrators: add admin to mfa.requiredRoles, or write mfa.mode: Required'
    },
  },
  { item: 'IdentityProviders', open: openProviders },
  { item: 'Certificate', open: openCertificate },
  {
    item: 'RateLimits',
    open: ({ resolved: { rateLimits } }) => {
      const perMinute = (rateLimits.login.count / rateLimits.login.perSeconds) * 60
      return perMinute <= mostLoginsPerMinute
        ? undefined
        : `lower rateLimits.login to ${mostLoginsPerMinute}/m or less: one address can now guess ${Math.round(perMinute)} passwords a minute`
    },
  },
  {
    item: 'CorsOrigins',
    open: ({ resolved: { cors } }) =>
      cors.origins.every((origin) => origin.startsWith('https://'))
        ? undefined
        : 'list the HTTPS origins of your pages in cors.origins',
  },
  {
    item: 'NetworkPolicy',
    open: ({ resolved }) =>
      resolved.networkPolicy.enabled
        ? undefined
        : 'write networkPolicy.enabled: true, or isolate the namespace yourself',
  },
  {
    item: 'Dashboards',
    open: ({ monitoring }) => openDashboards(monitoring),
  },
  { item: 'Backups', open: ({ backup, name }) => openBackup(backup, backupName(name)) },
  {
    item: 'LoadTest',
    open: (input) =>
      openAttestation(input, attestations.loadTest, 'run a load test with the load that you expect in production'),
  },
  {
    item: 'SecurityScan',
    open: (input) => openAttestation(input, attestations.securityScan, 'scan the running images'),
  },
]

/** A provider that locks a user out does not end the password that the user may have here. Its owner has to decide. */
function openProviders({ resolved: { identityProviders }, findings }: ChecklistInput): string | undefined {
  if (findings.some(({ kind, reason }) => kind === 'blocking' && reason === 'IdentityProvidersInvalid')) {
    return 'correct what SecretsReady reports about identityProviders'
  }
  const undecided = identityProviders.find(
    ({ entry: { domains = [], passwordLogin } }) => domains.length > 0 && passwordLogin === undefined,
  )
  return undecided === undefined
    ? undefined
    : `write passwordLogin of the identity provider ${undecided.entry.id}: false, so that users who have left its domains cannot log in with a password, or true if they may`
}

/** A fact that only the user can know is confirmed by an annotation, and applies to one version. */
function openAttestation({ annotations, version }: ChecklistInput, annotation: string, what: string) {
  const done = annotations[annotation]
  if (done === version) return undefined
  const last = done === undefined ? '' : ` (last done for ${done.slice(0, 100)})`
  return `${what}${last}, then annotate with ${annotation}=${version}`
}

function openCertificate({ resolved: { ingress, tokens }, findings }: ChecklistInput): string | undefined {
  if (isStalled('IngressReady', findings)) return 'correct what IngressReady reports'
  if (ingress.type === 'None') {
    return tokens.issuer.startsWith('https://')
      ? undefined
      : 'write an HTTPS tokens.issuer, with the host at which your route terminates TLS'
  }
  return ingress.tls.kind === 'provided' || ingress.tls.kind === 'issued' || ingress.type === 'Gateway'
    ? undefined
    : 'name a certificate of a public CA in ingress.tls.secretName: browsers do not trust the self-signed one'
}

function isStalled(type: ConditionType, findings: readonly Finding[]): boolean {
  return findings.some(({ kind, condition }) => kind === 'blocking' && condition === type)
}

/** The production checklist, item by item, in a fixed order. */
export function evaluateChecklist(input: ChecklistInput): ChecklistItem[] {
  return items.map(({ item, open }) => {
    const message = open(input)
    return message === undefined ? { item, ok: true } : { item, ok: false, message }
  })
}

/**
 * The checklist as one condition that names each open item. If the environment is not production, the condition is
 * `Unknown` instead of `False`, because a development AuthService is not wrong.
 */
export function productionReady(checklist: readonly ChecklistItem[], environment: Environment): ConditionUpdate {
  const type = 'ProductionReady'
  const open = checklist.filter(({ ok }) => !ok)
  if (open.length === 0) {
    return { type, status: 'True', reason: 'ChecklistComplete', message: 'No item of the checklist is open.' }
  }
  const message = `Open: ${open.map(({ item, message: what }) => `${item} (${what})`).join('; ')}.`
  return environment === 'production'
    ? { type, status: 'False', reason: 'ChecklistOpen', message }
    : { type, status: 'Unknown', reason: 'NotProduction', message }
}
