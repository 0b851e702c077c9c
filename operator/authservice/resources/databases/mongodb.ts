import type { MongoDbSetupEnvironment } from '@authservice-operator/contract/command-environments.ts'
import { adminUser } from '@authservice-operator/contract/database-secrets.ts'
import type { ResolvedMongoDb } from '../../api/resolved-spec.ts'
import { metadataOf, selectorOf } from '../../model/labels.ts'
import { replicaSet, secretNames } from '../../secrets/names.ts'
import { imagePullSecrets } from '../image-pull-secrets.ts'
import { everyFamily } from '../ip-families.ts'
import { jobResources } from '../job-resources.ts'
import { containerSecurity, podDefaults, podSecurity, users } from '../pod-security.ts'
import type { Child, RenderInput } from '../render-input.ts'
import { dataVolume } from './storage.ts'

export const mongodbPort = 27_017
const port = mongodbPort

type ManagedMongoDb = Extract<ResolvedMongoDb['source'], { kind: 'managed' }>

/** mongod rejects a key file that others can read, and the group can read the files of a Secret. */
const start = [
  'install -m 0400 /etc/mongodb-secret/keyfile /run/mongodb/keyfile',
  // mongod can listen on IPv6 only if the kernel supports it.
  'if [ -e /proc/net/if_inet6 ]; then ipv6=--ipv6; else ipv6=; fi',
  `exec mongod $ipv6 --replSet ${replicaSet} --keyFile /run/mongodb/keyfile --auth --bind_ip_all --port ${port} --dbpath /data/db --wiredTigerCacheSizeGB 0.25 --nounixsocket`,
].join(' && ')

/**
 * The container keeps running after the set-up, and runs it again when the mounted Secret changes: if lost passwords
 * were generated again, MongoDB gets the new ones without a restart. The first process of a container ignores signals
 * that it does not handle: without the trap, every terminating pod would take its whole grace period, without a
 * replacement in the meantime.
 */
const setUp = [
  "trap 'exit 0' TERM",
  'rm -f /tmp/done',
  'of() { readlink /etc/mongodb-secret/..data; }',
  '(seen=$(of); node mongodb-setup.js && touch /tmp/done && while sleep 10; do now=$(of); [ "$now" = "$seen" ] || { node mongodb-setup.js && seen=$now; }; done) & wait $!',
].join('; ')

/** Users, sessions and revocations: a replica set with one member, because transactions need a replica set. */
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
      ...everyFamily,
      clusterIP: 'None',
      // The member must be able to resolve its own name before it is ready, because it is initiated with that name.
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
      // The users outlive the AuthService: only a user deletes the volume.
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

/**
 * Initiates the replica set and creates the users at every start of the pod; MongoDB allows this only from inside the
 * pod.
 */
function setup(input: RenderInput) {
  const { name, namespace } = input.owner
  const environment: MongoDbSetupEnvironment = {
    MONGODB_SETUP_URL: `mongodb://127.0.0.1:${port}`,
    MONGODB_REPLICA_SET: replicaSet,
    MONGODB_MEMBER_HOST: `${name}-mongodb-0.${name}-mongodb.${namespace}.svc:${port}`,
    MONGODB_ADMIN_USERNAME: adminUser,
    MONGODB_SECRET_DIRECTORY: '/etc/mongodb-secret',
    MONGODB_KEY_FILE: '/run/mongodb/keyfile',
    DATABASE_NAME: input.resolved.mongodb.database,
  }
  return {
    name: 'setup',
    image: input.images.setup,
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', '-c', setUp],
    env: Object.entries(environment).map(([key, value]) => ({ name: key, value })),
    resources: jobResources(input.resolved, { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '128Mi' } }),
    securityContext: containerSecurity,
    // Not used as a readiness probe, which would run permanently: each run starts a process in the container.
    startupProbe: { exec: { command: ['test', '-f', '/tmp/done'] }, periodSeconds: 1, failureThreshold: 3_600 },
    volumeMounts: [
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'run', mountPath: '/run/mongodb', readOnly: true },
      { name: 'secret', mountPath: '/etc/mongodb-secret', readOnly: true },
    ],
  }
}

function mongodbName({ owner }: Pick<RenderInput, 'owner'>): string {
  return `${owner.name}-mongodb`
}
