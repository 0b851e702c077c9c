import { createHash } from 'node:crypto'
import { reportFileVariable } from '@authservice-operator/api-server/database-report.ts'
import { imagePullSecrets } from './image-pull-secrets.ts'
import { labelsOf, metadataOf } from './metadata.ts'
import { containerSecurity, podDefaults, podSecurity, users } from './pod-security.ts'
import type { Child, RenderInput } from './render-input.ts'
import { environmentList, serverVolumeMounts, serverVolumes } from './server.ts'

/** What the migrations need to connect, and to pass the server's own checks; the rest of the spec may change without another run. */
const databaseVariables =
  /^(ENVIRONMENT|MONGODB_URL_FILE|MONGODB_CA_FILE|DATABASE_NAME|COLLECTION_NAME|ALLOW_INSECURE_MONGODB|REDIS_.*|JWT_ISSUER|JWT_.*_FILE)$/

/** What the container leaves here, the kubelet puts into the pod's status, where the operator reads it. */
const terminationLog = '/dev/termination-log'

/** How the name of a migration goes on after that of the AuthService; a hash follows. */
export const migrationPrefix = 'migrate-'

/**
 * Makes the database ready for the servers of one version, once: another image or database is another Job. Servers
 * start beside it and are ready when it is done.
 */
export function renderMigration(input: RenderInput): Child {
  const { owner, resolved, images } = input
  // A Job cannot be changed, so whatever it is made from is in its name.
  const environment = [
    ...environmentList(input).filter(({ name }) => databaseVariables.test(name)),
    { name: reportFileVariable, value: terminationLog },
  ]
  const about = [images.server, environment, serverVolumes(input)]
  const hash = createHash('sha256').update(JSON.stringify(about)).digest('hex').slice(0, 8)
  const name = `${owner.name}-${migrationPrefix}${hash}`
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: metadataOf(input, name, 'migration'),
    spec: {
      backoffLimit: 10,
      template: {
        metadata: { labels: labelsOf(owner.name, 'migration') },
        spec: {
          ...podDefaults,
          serviceAccountName: resolved.pod.serviceAccountName ?? owner.name,
          ...imagePullSecrets(input),
          restartPolicy: 'OnFailure',
          securityContext: podSecurity(users.server),
          containers: [
            {
              name: 'migrate',
              image: images.server,
              imagePullPolicy: 'IfNotPresent',
              command: ['node', 'migrate.js'],
              env: environment,
              terminationMessagePath: terminationLog,
              resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '192Mi' } },
              securityContext: containerSecurity,
              volumeMounts: serverVolumeMounts(input),
            },
          ],
          volumes: serverVolumes(input),
        },
      },
    },
  }
}
