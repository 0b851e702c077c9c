import { group } from './api/group.ts'
import type { ResolvedSpec } from './api/resolved-spec.ts'
import type { AuthServiceSpec, ChecklistItem, Environment } from './api/schema.ts'
import { type BackupState, openBackup } from './backup-state.ts'
import type { ConditionType, ConditionUpdate } from './conditions.ts'
import type { Finding } from './finding.ts'
import { openDashboards, type WantedMonitoring } from './monitoring.ts'
import { backupName } from './resources/backup.ts'
import type { SecretData } from './secrets/secret-data.ts'

/** What the checklist is read off. */
export interface ChecklistInput {
  /** Of the AuthService. */
  name: string
  spec: AuthServiceSpec
  resolved: ResolvedSpec
  /** The Secrets that the spec names, decoded. */
  secrets: ReadonlyMap<string, SecretData>
  findings: readonly Finding[]
  /** undefined: the spec asks for no backups. */
  backup: BackupState | undefined
  monitoring: WantedMonitoring
  /** Of the AuthService: people and pipelines state there what only they can know. */
  annotations: Readonly<Record<string, string>>
  /** Version of the server that is asked for, as in `status.version`. */
  version: string
}

/**
 * Statements about one version of the server, made by whoever did the work: `<annotation>: <version>`. Another version
 * opens the item again.
 */
export const attestations = {
  loadTest: `${group}/load-tested`,
  securityScan: `${group}/security-scanned`,
} as const

/** One question to ask before an AuthService serves customers. */
interface Item {
  item: string
  /** What is left to do; undefined: nothing. */
  open: (input: ChecklistInput) => string | undefined
}

/** Most logins a minute that one address may try in production. bcrypt at cost 12 takes five times as long to answer. */
const mostLoginsPerMinute = 60

const items: Item[] = [
  {
    item: 'Environment',
    open: ({ resolved }) =>
      resolved.environment === 'production' ? undefined : 'write environment: production for its stricter presets',
  },
  {
    item: 'MongoDBConnection',
    open: ({ resolved, findings }) => {
      if (isStalled('MongoDBReady', findings)) return 'mend what MongoDBReady says'
      return resolved.mongodb.source.kind === 'external'
        ? undefined
        : 'point mongodb.external to a replica set of three members: the managed one has a single member and no TLS'
    },
  },
  {
    item: 'RedisConnection',
    open: ({ resolved: { redis }, findings }) => {
      if (isStalled('RedisReady', findings)) return 'mend what RedisReady says'
      if (redis.kind === 'managed') return 'point redis.external to a Redis that survives the loss of a node'
      return redis.tls.enabled ? undefined : 'encrypt the connection with redis.external.tls'
    },
  },
  {
    item: 'SigningKeys',
    open: ({ findings }) => (isStalled('SecretsReady', findings) ? 'mend what SecretsReady says' : undefined),
  },
  { item: 'Certificate', open: openCertificate },
  {
    item: 'RateLimits',
    open: ({ resolved: { rateLimits } }) => {
      const perMinute = (rateLimits.login.count / rateLimits.login.perSeconds) * 60
      return perMinute <= mostLoginsPerMinute
        ? undefined
        : `lower rateLimits.login to ${mostLoginsPerMinute}/m or less: it lets one address guess ${Math.round(perMinute)} passwords a minute`
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
      resolved.networkPolicy.enabled ? undefined : 'write networkPolicy.enabled: true, or close the namespace yourself',
  },
  {
    item: 'Dashboards',
    open: ({ monitoring }) => openDashboards(monitoring),
  },
  { item: 'Backups', open: ({ backup, name }) => openBackup(backup, backupName(name)) },
  {
    item: 'LoadTest',
    open: (input) => openAttestation(input, attestations.loadTest, 'load it as your customers will'),
  },
  {
    item: 'SecurityScan',
    open: (input) => openAttestation(input, attestations.securityScan, 'scan the images that run'),
  },
]

/** What only its doer can know is asked for by name, and holds for the version that it was done with. */
function openAttestation({ annotations, version }: ChecklistInput, annotation: string, what: string) {
  const done = annotations[annotation]
  if (done === version) return undefined
  const state = done === undefined ? 'then' : `the last one was of ${done.slice(0, 100)}; then`
  return `${what}, ${state} annotate with ${annotation}=${version}`
}

function openCertificate({ resolved: { ingress, tokens }, findings }: ChecklistInput): string | undefined {
  if (isStalled('IngressReady', findings)) return 'mend what IngressReady says'
  if (ingress.type === 'None') {
    return tokens.issuer.startsWith('https://') ? undefined : 'write an HTTPS tokens.issuer, where your route ends TLS'
  }
  return ingress.tls.kind === 'provided' || ingress.tls.kind === 'issued' || ingress.type === 'Gateway'
    ? undefined
    : 'name the certificate of a public authority in ingress.tls.secretName: no browser trusts the self-signed one'
}

function isStalled(type: ConditionType, findings: readonly Finding[]): boolean {
  return findings.some(({ kind, condition }) => kind === 'stall' && condition === type)
}

/** The production checklist, item by item, in a fixed order. */
export function evaluateChecklist(input: ChecklistInput): ChecklistItem[] {
  return items.map(({ item, open }) => {
    const message = open(input)
    return message === undefined ? { item, ok: true } : { item, ok: false, message }
  })
}

/**
 * The checklist as one condition that names each open item. Where nobody claims to be in production it is `Unknown`
 * rather than `False`: nothing is wrong with an AuthService for development.
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
