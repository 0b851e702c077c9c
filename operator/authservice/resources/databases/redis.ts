import type { ResolvedRedis } from '../../api/resolved-spec.ts'
import { metadataOf, selectorOf } from '../../model/labels.ts'
import { secretNames } from '../../secrets/names.ts'
import { originKey } from '../../secrets/password-rotation.ts'
import { imagePullSecrets } from '../image-pull-secrets.ts'
import { everyFamily } from '../ip-families.ts'
import { containerSecurity, podDefaults, podSecurity, users } from '../pod-security.ts'
import type { Child, RenderInput } from '../render-input.ts'
import { dataVolume } from './storage.ts'

export const redisPort = 6379

type ManagedRedis = Extract<ResolvedRedis, { kind: 'managed' }>

/**
 * The passwords are in a file that Redis reads, so neither its arguments nor its environment show them. During a
 * rotation, there are two.
 */
const start = [
  'umask 077',
  '{ printf "user default on ~* &* +@all"; for key in password next-password previous-password; do if [ -s "/etc/redis-password/$key" ]; then printf " >%s" "$(cat "/etc/redis-password/$key")"; fi; done; echo; } >/run/redis/auth.conf',
  // noeviction: counters of limits and the revocation stream must not be evicted when memory runs out.
  'exec redis-server /run/redis/auth.conf --dir /data --appendonly yes --maxmemory-policy noeviction --save ""',
].join(' && ')

/** Whether Redis answers a command. Each run starts a process in the container, which takes CPU time of the node. */
const answers = {
  exec: { command: ['sh', '-c', 'REDISCLI_AUTH="$(cat /etc/redis-password/password)" redis-cli ping | grep -q PONG'] },
  timeoutSeconds: 3,
}

/** Propagates revocations between servers and counts limits: one Redis with an append-only file. */
export function renderRedis(input: RenderInput): Child[] {
  const { redis } = input.resolved
  return redis.kind === 'managed' ? [service(input), statefulSet(input, redis)] : []
}

function service(input: RenderInput): Child {
  const name = redisName(input)
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(input, name, 'redis'),
    spec: {
      ...everyFamily,
      selector: selectorOf(input.owner.name, 'redis'),
      ports: [{ name: 'redis', port: redisPort, targetPort: 'redis' }],
    },
  }
}

function statefulSet(input: RenderInput, { storage, resources }: ManagedRedis): Child {
  const name = redisName(input)
  const data = dataVolume(storage)
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: metadataOf(input, name, 'redis'),
    spec: {
      serviceName: name,
      replicas: 1,
      selector: { matchLabels: selectorOf(input.owner.name, 'redis') },
      // Servers can restore everything that is in Redis, so nothing of it needs to outlive the AuthService.
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Retain' },
      ...data.claims,
      template: {
        metadata: { labels: metadataOf(input, name, 'redis').labels, ...startedFor(input) },
        spec: {
          ...podDefaults,
          serviceAccountName: input.owner.name,
          ...imagePullSecrets(input),
          securityContext: podSecurity(users.redis),
          containers: [
            {
              name: 'redis',
              image: input.images.redis,
              imagePullPolicy: 'IfNotPresent',
              command: ['sh', '-c', start],
              ports: [{ name: 'redis', containerPort: redisPort }],
              resources,
              securityContext: containerSecurity,
              startupProbe: { ...answers, periodSeconds: 1, failureThreshold: 120 },
              // Servers detect within a second whether Redis answers, and need no probe for it.
              readinessProbe: { tcpSocket: { port: 'redis' }, periodSeconds: 5 },
              livenessProbe: { ...answers, periodSeconds: 20, failureThreshold: 3 },
              volumeMounts: [
                { name: 'data', mountPath: '/data' },
                { name: 'run', mountPath: '/run/redis' },
                { name: 'password', mountPath: '/etc/redis-password', readOnly: true },
              ],
            },
          ],
          volumes: [
            ...data.volumes,
            { name: 'run', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
            {
              name: 'password',
              secret: { secretName: secretNames(input.owner.name).redis },
            },
          ],
        },
      },
    },
  }
}

/** Redis reads its password at startup: a password that was lost and generated again restarts it. */
function startedFor({ owner, secrets }: RenderInput) {
  const origin = secrets.find(({ name }) => name === secretNames(owner.name).redis)?.data[originKey]
  return origin === undefined ? {} : { annotations: { 'auth-operator.dev/password-origin': origin } }
}

export function redisName({ owner }: Pick<RenderInput, 'owner'>): string {
  return `${owner.name}-redis`
}
