import { refusedExitCode, reportFileVariable } from '@authservice-operator/contract/database-report.ts'
import type { ResolvedSpec } from '../../api/resolved-spec.ts'
import { contentHash } from '../../model/content-hash.ts'
import { jobPodMetadata, labelsOf, metadataOf } from '../../model/labels.ts'
import type { PodTemplate } from '../../model/revision.ts'
import { jobResources } from '../job-resources.ts'
import { containerSecurity, podDefaults, podSecurity, users } from '../pod-security.ts'
import type { Child, Migration, MigrationSource, RenderInput } from '../render-input.ts'
import { initialAdminMount, pathOf, volumeMountOf, volumeOf } from '../server/secret-mounts.ts'
import { initialAdminAnnotation, templateInputAnnotations } from '../server/server.ts'

/** The variables that the migrations need to connect, and to pass the checks of the server. */
const databaseVariables =
  /^(ENVIRONMENT|MONGODB_URL_FILE|MONGODB_CA_FILE|DATABASE_NAME|COLLECTION_NAME|ALLOW_INSECURE_.*|REDIS_.*|JWT_ISSUER|JWT_(KEYS|SECRET)_FILE)$/

/** The variables of the first administrator, if the spec has one: the migration also creates this account. */
const adminVariables = /^(INITIAL_ADMIN_.*|BCRYPT_COST|PASSWORD_MIN_LENGTH)$/

/** The kubelet copies the termination message into the status of the pod, where the operator reads it. */
const terminationLog = '/dev/termination-log'

/** The attempt at its revision for which a Job was created: the time at which it began, in seconds. */
export const attemptAnnotation = 'auth-operator.dev/attempt'

export type MigrationHalf = 'expand' | 'contract'

/** Prefix of the name of a migration; a hash follows. */
export function migrationPrefix(owner: string, half: MigrationHalf): string {
  return `${owner}-${half === 'expand' ? 'migrate' : 'contract'}-`
}

/**
 * The Jobs that change the database for a revision: one adds what the revision needs before its pods start, and the
 * other removes what only earlier revisions needed, after their pods are gone.
 */
export function renderMigrations(input: RenderInput): Child[] {
  const { migration, contraction } = input.placement
  return [
    ...(isToBeMade(migration) ? [job(input, migration, 'expand')] : []),
    ...(isToBeMade(contraction) ? [job(input, contraction, 'contract')] : []),
  ]
}

function isToBeMade(migration: Migration | undefined): migration is Migration {
  return migration !== undefined && migration.finishedAt === undefined
}

function job(input: RenderInput, { name, template, attempt }: Migration, half: MigrationHalf): Child {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      ...metadataOf(input, name, 'migration'),
      annotations: { [attemptAnnotation]: String(attempt) },
    },
    spec: jobSpec(input.owner.name, template, half, input.resolved),
  }
}

/**
 * A Job is immutable, so its name depends on its complete input. This includes the reason for a new template with the
 * same spec: a Secret may now name another database, and a restart inspects the same database again.
 */
export function migrationName(
  owner: string,
  { template, attempt }: MigrationSource,
  half: MigrationHalf,
  resolved: Pick<ResolvedSpec, 'jobs'>,
): string {
  const inputs = templateInputAnnotations.map((annotation) => template.metadata.annotations?.[annotation])
  const hash = contentHash([jobSpec(owner, template, half, resolved), inputs, attempt]).slice(0, 8)
  return `${migrationPrefix(owner, half)}${hash}`
}

function jobSpec(owner: string, template: PodTemplate, half: MigrationHalf, resolved: Pick<ResolvedSpec, 'jobs'>) {
  const { server, volumes, ...pod } = databasePartOf(template)
  return {
    backoffLimit: 6,
    podFailurePolicy: {
      rules: [
        { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        { action: 'FailJob', onExitCodes: { containerName: 'migrate', operator: 'In', values: [refusedExitCode] } },
      ],
    },
    template: {
      metadata: jobPodMetadata(resolved, labelsOf(owner, 'migration')),
      spec: {
        ...podDefaults,
        ...pod,
        restartPolicy: 'Never',
        securityContext: podSecurity(users.server),
        containers: [
          {
            name: 'migrate',
            image: server.image,
            imagePullPolicy: 'IfNotPresent',
            command: ['node', 'migrate.js', ...(half === 'contract' ? ['--contract'] : [])],
            env: [...server.env, { name: reportFileVariable, value: terminationLog }],
            terminationMessagePath: terminationLog,
            resources: jobResources(resolved, {
              requests: { cpu: '10m', memory: '64Mi' },
              limits: { memory: '192Mi' },
            }),
            securityContext: containerSecurity,
            volumeMounts: server.volumeMounts,
          },
        ],
        volumes,
      },
    },
  }
}

/** The part that `serverTemplate` adds to a pod. */
interface ServerPod {
  serviceAccountName: string
  imagePullSecrets?: readonly { name: string }[]
  containers: readonly {
    name: string
    image: string
    env: readonly { name: string; value: string }[]
    volumeMounts: readonly { name: string; mountPath: string }[]
  }[]
  volumes: readonly { name: string }[]
}

/**
 * Includes only the Secrets that variables of the migration name: new mail credentials are no reason to migrate again.
 */
function databasePartOf(template: PodTemplate) {
  // `serverTemplate` created every template of a revision, including stored ones.
  const { serviceAccountName, imagePullSecrets, containers, volumes } = template.spec as ServerPod
  const server = containers.find(({ name }) => name === 'server')
  if (server === undefined) throw new Error('the template of a revision has no container server')
  const admin = initialAdminOf(template)
  // Templates of revisions that an earlier operator stored contain the variables themselves.
  const hasAdmin = admin !== undefined || server.env.some(({ name }) => name === 'INITIAL_ADMIN_EMAIL')
  const env = server.env.filter(({ name }) => databaseVariables.test(name) || (hasAdmin && adminVariables.test(name)))
  const volumeMounts = server.volumeMounts.filter(
    ({ name, mountPath }) => name === 'tmp' || env.some(({ value }) => value.startsWith(`${mountPath}/`)),
  )
  return {
    serviceAccountName,
    ...(imagePullSecrets !== undefined && { imagePullSecrets }),
    server: {
      image: server.image,
      env: [...env, ...(admin?.env ?? [])],
      volumeMounts: [...volumeMounts, ...(admin?.volumeMounts ?? [])],
    },
    volumes: [
      ...volumes.filter(({ name }) => volumeMounts.some((mount) => mount.name === name)),
      ...(admin?.volumes ?? []),
    ],
  }
}

/** Additional variables and mounts of the Job of a revision that names a first administrator. */
function initialAdminOf({ metadata }: PodTemplate) {
  const annotation = metadata.annotations?.[initialAdminAnnotation]
  if (annotation === undefined) return undefined
  // `serverTemplate` sets it, and overrides annotations of the spec.
  const { email, passwordSecretRef }: NonNullable<ResolvedSpec['initialAdmin']> = JSON.parse(annotation)
  const password = initialAdminMount(passwordSecretRef)
  return {
    env: [
      { name: 'INITIAL_ADMIN_EMAIL', value: email },
      { name: 'INITIAL_ADMIN_PASSWORD_FILE', value: pathOf(password) },
    ],
    volumeMounts: [volumeMountOf(password)],
    volumes: [volumeOf(password)],
  }
}
