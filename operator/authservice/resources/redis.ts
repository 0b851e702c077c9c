import type { ResolvedRedis } from '../api/resolved-spec.ts'
import { secretNames } from '../secrets/names.ts'
import { imagePullSecrets } from './image-pull-secrets.ts'
import { metadataOf, selectorOf } from './metadata.ts'
import { containerSecurity, podDefaults, podSecurity, users } from './pod-security.ts'
import type { Child, RenderInput } from './render-input.ts'
import { dataVolume } from './storage.ts'

export const redisPort = 6379

type ManagedRedis = Extract<ResolvedRedis, { kind: 'managed' }>

/**
 * The passwords go into a file that Redis reads: neither its arguments nor its environment show them. While they are
 * rotated there are two.
 */
const start = [
  'umask 077',
  '{ printf "user default on ~* &* +@all"; for key in password next-password previous-password; do if [ -s "/etc/redis-password/$key" ]; then printf " >%s" "$(cat "/etc/redis-password/$key")"; fi; done; echo; } >/run/redis/auth.conf',
  // noeviction: counters of limits and the revocation stream must not vanish when memory runs out.
  'exec redis-server /run/redis/auth.conf --dir /data --appendonly yes --maxmemory-policy noeviction --save ""',
].join(' && ')

/** Whether it answers a command. Each look starts a process in the container, which its node computes for. */
const answers = {
  exec: { command: ['sh', '-c', 'REDISCLI_AUTH="$(cat /etc/redis-password/password)" redis-cli ping | grep -q PONG'] },
  timeoutSeconds: 3,
}

/** News between servers and counters of limits: one Redis with an append-only file. */
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
      // What is in Redis is counted or told anew: nothing of it outlives the AuthService.
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Retain' },
      ...data.claims,
      template: {
        metadata: { labels: metadataOf(input, name, 'redis').labels },
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
              // Servers know within a second whether it answers, and need no probe for it.
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

export function redisName({ owner }: Pick<RenderInput, 'owner'>): string {
  return `${owner.name}-redis`
}
