import { appUsers } from '@authservice-operator/contract/database-secrets.ts'
import { traitsOf } from '../authservice/api/environment-traits.ts'
import { presetOf } from '../authservice/api/presets.ts'
import { parseDuration, parseRate } from '../authservice/api/units.ts'
import type { SecretData } from '../authservice/model/secret-data.ts'
import { edgeLayout } from '../authservice/resources/edge/edge-layout.ts'
import { edgeStartScript, findDns, upstreamServer } from '../authservice/resources/edge/edge-start.ts'
import { nginxConfig } from '../authservice/resources/edge/nginx-config.ts'
import { certificateProblem, decideAuthority, decideCertificate } from '../authservice/secrets/certificates.ts'
import type { SecretSources } from '../authservice/secrets/decision.ts'
import { mongodbUrl } from '../authservice/secrets/mongodb-url.ts'
import { decidePasswords, mongodbKeyfile, password } from '../authservice/secrets/passwords.ts'
import { decideSigningKeys } from '../authservice/secrets/signing-keys.ts'
import { type Settings, SetupError } from './settings.ts'

/** What setup writes, by the path below its directory. Each is a volume of one service, or a part of one. */
export const volumeNames = [
  'authority',
  'mongodb',
  'redis',
  'server',
  'edge/secret',
  'edge/tls',
  'edge/config',
] as const

export type VolumeName = (typeof volumeNames)[number]

/** The files of each volume. */
export type Volumes = Readonly<Record<VolumeName, SecretData>>

/** What the user asked for beside the files that are always there. */
export interface SetupRequest {
  /** Adds a signing key, which signs after a delay. */
  rotateKeys: boolean
  /** ID of a signing key to remove at once. */
  revokeKey: string | undefined
}

export interface SetupDecision {
  volumes: Volumes
  /** One line for each change, without secrets. */
  changes: string[]
  warnings: string[]
}

/** Names of services in compose.yaml, with their ports. */
const addresses = { mongodb: 'mongodb:27017', server: 'server:8080' } as const

/**
 * Decides every file of every volume. What exists stays, and what is missing is made. Copies and the configuration of
 * the edge follow from the rest.
 *
 * @param existing the files of the volumes that have any
 * @throws SetupError when existing files cannot be used
 */
export function decideFiles(
  existing: Partial<Volumes>,
  settings: Settings,
  request: SetupRequest,
  sources: SecretSources,
  now: Date,
): SetupDecision {
  const { random } = sources
  const mongodb = decidePasswords(existing.mongodb, {
    'admin-password': () => password(random),
    'app-password': () => password(random),
    keyfile: () => mongodbKeyfile(random),
  })
  const redis = decidePasswords(existing.redis, { password: () => password(random) })
  const edgeSecret = decidePasswords(existing['edge/secret'], { secret: () => password(random) })
  const emailHash = decidePasswords(existing.server, { 'email-hash-secret': () => password(random) })
  const keys = signingKeys(existing.server?.['keys.json'], request, sources, now)
  const tls = edgeCertificate(existing, settings.AUTH_HOST, sources, now)
  const login = {
    database: settings.DATABASE_NAME,
    user: appUsers[0],
    password: mongodb.data['app-password'],
  }
  const made = Object.entries({ mongodb, redis, 'edge/secret': edgeSecret, server: emailHash })
  return {
    volumes: {
      mongodb: mongodb.data,
      redis: redis.data,
      server: {
        ...emailHash.data,
        'keys.json': keys.file,
        'mongodb-url': mongodbUrl(addresses.mongodb, login),
        'redis-password': redis.data.password,
        'proxy-secret': edgeSecret.data.secret,
      },
      'edge/secret': edgeSecret.data,
      'edge/config': edgeConfiguration(settings),
      ...tls.volumes,
    },
    changes: [
      ...made.flatMap(([volume, one]) => one.made.map((file) => `created ${volume}/${file}`)),
      ...keys.changes,
      ...tls.changes,
    ],
    warnings: tls.warnings,
  }
}

/** Keys rotate on request only, because nothing runs setup by a schedule. */
const noSchedule = { rotationIntervalSeconds: parseDuration('36500d') }

function signingKeys(
  existing: string | undefined,
  { rotateKeys, revokeKey }: SetupRequest,
  { generateKey }: SecretSources,
  now: Date,
): { file: string; changes: string[] } {
  const { algorithm, signingKeys: preset } = presetOf('production').tokens
  const policy = {
    ...noSchedule,
    algorithm,
    rotateNow: rotateKeys,
    revoke: revokeKey,
    activationDelaySeconds: parseDuration(preset.activationDelay),
    // A volume shows a change at once, and no server is asked what it has loaded.
    volumeRefreshSeconds: 0,
    longestHoldSeconds: 0,
    everyServerKnows: () => false,
  }
  const decision = decideSigningKeys(existing, policy, now, generateKey)
  if (decision.kind === 'corrupt') {
    throw new SetupError(
      `keys.json in the volume server-secrets cannot be used: ${decision.problem}. Restore it from a backup. Without one, remove the volume: setup then creates new keys, and every user has to log in again.`,
    )
  }
  if (revokeKey !== undefined && !decision.revoked) {
    throw new SetupError(`There is no signing key ${revokeKey}: /.well-known/jwks.json lists the keys.`)
  }
  const { kind, keySet, why } = decision
  if (kind === 'keep' && existing !== undefined) return { file: existing, changes: [] }
  return { file: JSON.stringify(keySet), changes: [`server/keys.json: ${why}`] }
}

/** An imported certificate has no `ca.crt`, and only the user replaces it. */
function edgeCertificate(existing: Partial<Volumes>, host: string, { issuer }: SecretSources, now: Date) {
  const present = existing['edge/tls']
  const authority = decideAuthority(existing.authority, now, issuer)
  const imported = present?.['tls.crt']
  if (present !== undefined && imported !== undefined && present['ca.crt'] === undefined) {
    const problem = certificateProblem(imported, host, now)
    const remedy =
      'import another one: cat fullchain.pem privkey.pem | docker compose run --rm -T setup import-certificate'
    return {
      volumes: { authority: authority.data, 'edge/tls': present },
      changes: [],
      warnings: problem === undefined ? [] : [`clients refuse the imported certificate: ${problem}; ${remedy}`],
    }
  }
  const certificate = decideCertificate(present, [host], now, (hosts, at) =>
    issuer.certificate(hosts, authority.data, at),
  )
  return {
    volumes: { authority: authority.data, 'edge/tls': certificate.data },
    changes: certificate.why === undefined ? [] : [`signed a certificate for ${host}: ${certificate.why}`],
    warnings: [],
  }
}

/** The configuration and the program of the operator's edge, with the server of compose.yaml behind it. */
function edgeConfiguration(settings: Settings): SecretData {
  const upstream = `${findDns}
cat >${edgeLayout.own}/upstream.conf <<CONF
resolver $dns valid=1s;
${upstreamServer(addresses.server)}
CONF`
  return {
    'start.sh': edgeStartScript(upstream),
    'nginx.conf': nginxConfig({
      source: 'AUTH_HOST, ENVIRONMENT and RATE_LIMIT_* in .env',
      ingress: { host: settings.AUTH_HOST },
      traits: traitsOf(settings.ENVIRONMENT),
      rateLimits: {
        perClient: parseRate(settings.RATE_LIMIT_PER_CLIENT),
        burst: settings.RATE_LIMIT_BURST,
        login: parseRate(settings.RATE_LIMIT_LOGIN),
        register: parseRate(settings.RATE_LIMIT_REGISTER),
        reset: parseRate(settings.RATE_LIMIT_RESET),
      },
    }),
  }
}
