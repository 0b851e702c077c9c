import { refusedExitCode, reportFileVariable } from '@authservice-operator/api-server/database-report.ts'
import { contentHash } from '../apply/content-hash.ts'
import type { PodTemplate } from '../rollout/revisions.ts'
import { labelsOf, metadataOf } from './metadata.ts'
import { containerSecurity, podDefaults, podSecurity, users } from './pod-security.ts'
import type { Child, RenderInput } from './render-input.ts'
import { outerCauses } from './server.ts'

/** What the migrations need to connect, and to pass the server's own checks. */
const databaseVariables =
  /^(ENVIRONMENT|MONGODB_URL_FILE|MONGODB_CA_FILE|DATABASE_NAME|COLLECTION_NAME|ALLOW_INSECURE_MONGODB|REDIS_.*|JWT_ISSUER|JWT_.*_FILE)$/

/** What the first administrator is made with, where a spec names one: that is done beside. */
const adminVariables = /^(INITIAL_ADMIN_.*|BCRYPT_COST|PASSWORD_MIN_LENGTH)$/

/** What the container leaves here, the kubelet puts into the pod's status, where the operator reads it. */
const terminationLog = '/dev/termination-log'

/** Which try of its revision a Job was made for: the moment at which that began, in seconds. */
export const attemptAnnotation = 'auth-operator.dev/attempt'

/** What a migration is made from: a revision's own template, so that the same image and database are meant. */
export interface MigrationSource {
  template: PodTemplate
  /** Tells one try of a revision from the next: what failed once is tried again when a person asks. */
  attempt: number
}

export type MigrationHalf = 'expand' | 'contract'

/** A migration with the name of its Job. */
export interface Migration extends MigrationSource {
  name: string
}

/** How the name of a migration begins; a hash follows. */
export function migrationPrefix(owner: string, half: MigrationHalf): string {
  return `${owner}-${half === 'expand' ? 'migrate' : 'contract'}-`
}

/**
 * The Jobs that change the database for a revision: one makes what it needs before its pods start, another takes away
 * what only earlier ones needed after they are gone.
 */
export function renderMigrations(input: RenderInput): Child[] {
  const { migration, contraction } = input.placement
  return [
    ...(migration === undefined ? [] : [job(input, migration, 'expand')]),
    ...(contraction === undefined ? [] : [job(input, contraction, 'contract')]),
  ]
}

function job(input: RenderInput, { name, template, attempt }: Migration, half: MigrationHalf): Child {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      ...metadataOf(input, name, 'migration'),
      annotations: { [attemptAnnotation]: String(attempt) },
    },
    spec: jobSpec(input.owner.name, template, half),
  }
}

/**
 * A Job cannot be changed, so whatever it is made from is in its name. So is why a template was made anew with the same
 * spec: a Secret may lead to another database by now, and a restart has the same one looked at again.
 */
export function migrationName(owner: string, { template, attempt }: MigrationSource, half: MigrationHalf): string {
  const causes = outerCauses.map((cause) => template.metadata.annotations?.[cause])
  const hash = contentHash([jobSpec(owner, template, half), causes, attempt]).slice(0, 8)
  return `${migrationPrefix(owner, half)}${hash}`
}

function jobSpec(owner: string, template: PodTemplate, half: MigrationHalf) {
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
      metadata: { labels: labelsOf(owner, 'migration') },
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
            resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '192Mi' } },
            securityContext: containerSecurity,
            volumeMounts: server.volumeMounts,
          },
        ],
        volumes,
      },
    },
  }
}

/** What `serverTemplate` puts into a pod. */
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

/** Of the Secrets of a pod only those that its variables name: new credentials for mail are no reason to migrate again. */
function databasePartOf(template: PodTemplate) {
  // Every template of a revision, kept ones included, was made by `serverTemplate`.
  const { serviceAccountName, imagePullSecrets, containers, volumes } = template.spec as ServerPod
  const server = containers.find(({ name }) => name === 'server')
  if (server === undefined) throw new Error('the template of a revision has no container server')
  const hasAdmin = server.env.some(({ name }) => name === 'INITIAL_ADMIN_EMAIL')
  const env = server.env.filter(({ name }) => databaseVariables.test(name) || (hasAdmin && adminVariables.test(name)))
  const volumeMounts = server.volumeMounts.filter(
    ({ name, mountPath }) => name === 'tmp' || env.some(({ value }) => value.startsWith(`${mountPath}/`)),
  )
  return {
    serviceAccountName,
    ...(imagePullSecrets !== undefined && { imagePullSecrets }),
    server: { image: server.image, env, volumeMounts },
    volumes: volumes.filter(({ name }) => volumeMounts.some((mount) => mount.name === name)),
  }
}
