import { createHash } from 'node:crypto'
import type { RotatePasswordsEnvironment } from '@authservice-operator/contract/command-environments.ts'
import type { ResolvedSpec } from '../../api/resolved-spec.ts'
import { jobMarks, jobPodMetadata, labelsOf, metadataOf } from '../../model/labels.ts'
import type { SecretData } from '../../model/secret-data.ts'
import { mongodbMember } from '../../secrets/mongodb-url.ts'
import { secretNames } from '../../secrets/names.ts'
import { type Rotation, rotationOf, rotationRecordKeys, settleMilliseconds } from '../../secrets/password-rotation.ts'
import { imagePullSecrets } from '../image-pull-secrets.ts'
import { jobResources } from '../job-resources.ts'
import { containerSecurity, podDefaults, podSecurity, users } from '../pod-security.ts'
import type { Child, TemplateInput } from '../render-input.ts'
import { redisName, redisPort } from './redis.ts'

/** The Job that makes the databases accept the passwords in their Secrets; undefined if there is nothing to change. */
export function rotationJobName(
  authService: string,
  secrets: ReadonlyMap<string, SecretData>,
  resolved: Pick<ResolvedSpec, 'jobs'>,
): string | undefined {
  const { redis, mongodb } = secretNames(authService)
  const rotations = [redis, mongodb].map((name) => rotationOf(secrets.get(name)))
  if (!rotations.some(isForDatabases)) return undefined
  // A Job is immutable, so another stage or rotation is another Job.
  const hash = createHash('sha256')
    .update(JSON.stringify([...rotations, ...jobMarks(resolved)]))
    .digest('hex')
    .slice(0, 8)
  return `${authService}-passwords-${hash}`
}

function isForDatabases(rotation: Rotation | undefined): boolean {
  return rotation?.stage === 'adding' || rotation?.stage === 'removing'
}

/** Has the label of the migration, so that the same NetworkPolicy applies. */
export function renderPasswordRotation(input: TemplateInput): Child[] {
  const { owner } = input
  const secrets = new Map(input.secrets.map(({ name, data }) => [name, data]))
  const name = rotationJobName(owner.name, secrets, input.resolved)
  if (name === undefined) return []
  const names = secretNames(owner.name)
  const mounted = [names.mongodb, names.redis].filter((secret) => isForDatabases(rotationOf(secrets.get(secret))))
  return [
    {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: metadataOf(input, name, 'migration'),
      spec: {
        backoffLimit: 20,
        template: {
          metadata: jobPodMetadata(input.resolved, labelsOf(owner.name, 'migration')),
          spec: {
            ...podDefaults,
            serviceAccountName: owner.name,
            ...imagePullSecrets(input),
            restartPolicy: 'OnFailure',
            securityContext: podSecurity(users.server),
            containers: [container(input, mounted, secrets)],
            volumes: mounted.map((secretName) => ({ name: secretName, secret: { secretName } })),
          },
        },
      },
    },
  ]
}

function container(input: TemplateInput, mounted: readonly string[], secrets: ReadonlyMap<string, SecretData>) {
  return {
    name: 'rotate-passwords',
    image: input.images.setup,
    imagePullPolicy: 'IfNotPresent',
    command: ['node', 'rotate-passwords.js'],
    env: Object.entries(environment(input, mounted, secrets)).map(([name, value]) => ({ name, value })),
    resources: jobResources(input.resolved, { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '192Mi' } }),
    securityContext: containerSecurity,
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: mounted.map((name) => ({ name, mountPath: pathOf(name), readOnly: true })),
  }
}

function environment(
  input: TemplateInput,
  mounted: readonly string[],
  secrets: ReadonlyMap<string, SecretData>,
): RotatePasswordsEnvironment {
  const { owner, resolved } = input
  const names = secretNames(owner.name)
  const rotation = (name: string) => secrets.get(name)?.['rotation'] ?? ''
  const changes = mounted.map((name) => Date.parse(secrets.get(name)?.[rotationRecordKeys.changedAt] ?? '') || 0)
  return {
    NOT_BEFORE: new Date(Math.max(...changes) + settleMilliseconds).toISOString(),
    ...(mounted.includes(names.mongodb) && {
      MONGODB_SECRET_DIRECTORY: pathOf(names.mongodb),
      MONGODB_ROTATION: rotation(names.mongodb),
      MONGODB_MEMBER: mongodbMember(owner),
      DATABASE_NAME: resolved.mongodb.database,
    }),
    ...(mounted.includes(names.redis) && {
      REDIS_SECRET_DIRECTORY: pathOf(names.redis),
      REDIS_ROTATION: rotation(names.redis),
      REDIS_HOST: `${redisName(input)}.${owner.namespace}.svc`,
      REDIS_PORT: String(redisPort),
    }),
  }
}

function pathOf(secret: string): string {
  return `/etc/passwords/${secret}`
}
