import type { ResolvedMongoDb } from '../api/resolved-spec.ts'
import { mongodbUsers, replicaSet, secretNames } from '../secrets/names.ts'
import { imagePullSecrets } from './image-pull-secrets.ts'
import { metadataOf, selectorOf } from './metadata.ts'
import { containerSecurity, podDefaults, podSecurity, users } from './pod-security.ts'
import type { Child, RenderInput } from './render-input.ts'
import { dataVolume } from './storage.ts'

export const mongodbPort = 27_017
const port = mongodbPort

type ManagedMongoDb = Extract<ResolvedMongoDb['source'], { kind: 'managed' }>

/** mongod refuses a key file that others may read, and a Secret's files are readable by the group. */
const start = [
  'install -m 0400 /etc/mongodb-secret/keyfile /run/mongodb/keyfile',
  `exec mongod --replSet ${replicaSet} --keyFile /run/mongodb/keyfile --auth --bind_ip_all --port ${port} --dbpath /data/db --wiredTigerCacheSizeGB 0.25 --nounixsocket`,
].join(' && ')

/**
 * It stays when it is done, because a container that ends is started again; asleep it needs next to nothing. The first
 * process of a container gets no signal that it does not ask for: without the trap, every pod that goes would take its
 * whole grace period, with no other in its place meanwhile.
 */
const setUp = [
  "trap 'exit 0' TERM",
  'rm -f /tmp/done',
  '(node mongodb-setup.js && touch /tmp/done && exec sleep infinity) & wait $!',
].join('; ')

/** Users, sessions and revocations: one member of a replica set, because transactions need one. */
export function renderMongoDb(input: RenderInput): Child[] {
  const { source } = input.resolved.mongodb
  return source.kind === 'managed' ? [service(input), statefulSet(input, source)] : []
}

function service(input: RenderInput): Child {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(input, mongodbName(input), 'mongodb'),
    spec: {
      clusterIP: 'None',
      // The member must find itself by name before it is ready: it is set up under that name.
      publishNotReadyAddresses: true,
      selector: selectorOf(input.owner.name, 'mongodb'),
      ports: [{ name: 'mongodb', port, targetPort: 'mongodb' }],
    },
  }
}

function statefulSet(input: RenderInput, { storage, resources }: ManagedMongoDb): Child {
  const name = mongodbName(input)
  const data = dataVolume(storage)
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: metadataOf(input, name, 'mongodb'),
    spec: {
      serviceName: name,
      replicas: 1,
      selector: { matchLabels: selectorOf(input.owner.name, 'mongodb') },
      // The users outlive the AuthService: only a person deletes them.
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      ...data.claims,
      template: {
        metadata: { labels: metadataOf(input, name, 'mongodb').labels },
        spec: {
          ...podDefaults,
          serviceAccountName: input.owner.name,
          ...imagePullSecrets(input),
          securityContext: podSecurity(users.mongodb),
          terminationGracePeriodSeconds: 60,
          containers: [mongod(input, resources), setup(input)],
          volumes: [
            ...data.volumes,
            { name: 'run', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
            { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } },
            { name: 'secret', secret: { secretName: secretNames(input.owner.name).mongodb } },
          ],
        },
      },
    },
  }
}

function mongod({ images }: RenderInput, resources: ManagedMongoDb['resources']) {
  const probe = { tcpSocket: { port: 'mongodb' }, timeoutSeconds: 3 }
  return {
    name: 'mongodb',
    image: images.mongodb,
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', '-c', start],
    ports: [{ name: 'mongodb', containerPort: port }],
    resources,
    securityContext: containerSecurity,
    startupProbe: { ...probe, periodSeconds: 1, failureThreshold: 300 },
    readinessProbe: { ...probe, periodSeconds: 5 },
    livenessProbe: { ...probe, periodSeconds: 10, failureThreshold: 6 },
    volumeMounts: [
      { name: 'data', mountPath: '/data/db' },
      { name: 'run', mountPath: '/run/mongodb' },
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'secret', mountPath: '/etc/mongodb-secret', readOnly: true },
    ],
  }
}

/** Makes the replica set and the users, at every start of the pod; only from inside the pod may that be done. */
function setup(input: RenderInput) {
  const { name, namespace } = input.owner
  const environment: Record<string, string> = {
    MONGODB_SETUP_URL: `mongodb://127.0.0.1:${port}`,
    MONGODB_REPLICA_SET: replicaSet,
    MONGODB_MEMBER_HOST: `${name}-mongodb-0.${name}-mongodb.${namespace}.svc:${port}`,
    MONGODB_ADMIN_USERNAME: mongodbUsers.admin,
    MONGODB_SECRET_DIRECTORY: '/etc/mongodb-secret',
    DATABASE_NAME: input.resolved.mongodb.database,
  }
  return {
    name: 'setup',
    image: input.images.setup,
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', '-c', setUp],
    env: Object.entries(environment).map(([key, value]) => ({ name: key, value })),
    resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '128Mi' } },
    securityContext: containerSecurity,
    // Not for readiness, which would be asked for ever: each look starts a process in the container.
    startupProbe: { exec: { command: ['test', '-f', '/tmp/done'] }, periodSeconds: 1, failureThreshold: 3_600 },
    volumeMounts: [
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'secret', mountPath: '/etc/mongodb-secret', readOnly: true },
    ],
  }
}

export function mongodbName({ owner }: Pick<RenderInput, 'owner'>): string {
  return `${owner.name}-mongodb`
}
