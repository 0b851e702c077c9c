import { type Color, colors } from '../../model/colors.ts'
import { colorLabel, labelsOf, metadataOf, revisionLabel, selectorOf } from '../../model/labels.ts'
import type { PodTemplate } from '../../model/revision.ts'
import { passwordGeneration, passwordGenerationAnnotation } from '../databases/password-generation.ts'
import { imagePullSecrets } from '../image-pull-secrets.ts'
import { everyFamily } from '../ip-families.ts'
import { containerSecurity, podDefaults, podSecurity, users } from '../pod-security.ts'
import type { Child, RenderInput, TemplateInput } from '../render-input.ts'
import { nodeOptions, threadPoolSize } from './node-limits.ts'
import { databaseServersHash, referencedHash } from './referenced-hash.ts'
import { serverMounts, volumeMountsOf, volumesOf } from './secret-mounts.ts'
import { serverEnvironment, serverPorts } from './server-environment.ts'

export function serverName({ owner }: Pick<RenderInput, 'owner'>, color: Color): string {
  return `${owner.name}-${color}`
}

/**
 * The Deployments of the colours. They never contain `replicas`: the autoscaler sets the count, or the operator writes
 * it through the scale subresource.
 */
export function renderServers(input: RenderInput): Child[] {
  return colors.flatMap((color) => {
    const placed = input.placement.colors[color]
    return placed === undefined ? [] : [deployment(input, color, placed)]
  })
}

function deployment(input: RenderInput, color: Color, placed: { revision: string; template: PodTemplate }): Child {
  const { owner, resolved } = input
  const { rollout } = resolved
  const { metadata, spec } = placed.template
  const labels = { ...metadata.labels, [colorLabel]: color, [revisionLabel]: placed.revision }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadataOf(input, serverName(input, color), 'server', color),
    spec: {
      selector: { matchLabels: selectorOf(owner.name, 'server', color) },
      strategy: { type: 'RollingUpdate', rollingUpdate: rollout.rollingUpdate },
      minReadySeconds: rollout.minReadySeconds,
      progressDeadlineSeconds: rollout.progressDeadlineSeconds,
      revisionHistoryLimit: rollout.revisionHistoryLimit,
      template: { metadata: { ...metadata, labels }, spec },
    },
  }
}

/** The template of a server pod, for both colours: a change of it is a new revision. */
export function serverTemplate(input: TemplateInput): PodTemplate {
  const { owner, resolved } = input
  const { pod } = resolved
  return {
    metadata: {
      labels: { ...pod.labels, ...labelsOf(owner.name, 'server') },
      ...podAnnotations(input),
    },
    spec: {
      ...podDefaults,
      ...scheduling(input),
      serviceAccountName: pod.serviceAccountName ?? owner.name,
      ...imagePullSecrets(input),
      securityContext: podSecurity(users.server),
      terminationGracePeriodSeconds: pod.terminationGracePeriodSeconds,
      containers: [serverContainer(input)],
      volumes: volumesOf(serverMounts(input)),
    },
  }
}

/** Another value results in another template, as with `kubectl rollout restart`. */
const restartedByAnnotation = 'auth-operator.dev/restarted-by'

/** Server pods read the Secrets of the spec at startup. */
export const referencesAnnotation = 'auth-operator.dev/references-hash'

/** Hashes of the servers in the URL of an external MongoDB. They stay the same when only its password changes. */
export const databaseServersAnnotation = 'auth-operator.dev/database-servers-hash'

/** Annotations of a template for the inputs that its spec does not show: contents of Secrets, and a requested restart. */
export const templateInputAnnotations = [
  passwordGenerationAnnotation,
  referencesAnnotation,
  restartedByAnnotation,
] as const

/**
 * The first administrator, as JSON. The migration of the revision creates the account; no server pod gets the password.
 */
export const initialAdminAnnotation = 'auth-operator.dev/initial-admin'

function podAnnotations(input: TemplateInput) {
  const { owner, resolved, restartedBy, secrets } = input
  const references = referencedHash(input)
  const servers = databaseServersHash(input)
  const generation = passwordGeneration(owner.name, new Map(secrets.map(({ name, data }) => [name, data])))
  const annotations = {
    ...resolved.pod.annotations,
    ...(resolved.initialAdmin && { [initialAdminAnnotation]: JSON.stringify(resolved.initialAdmin) }),
    ...(generation !== undefined && { [passwordGenerationAnnotation]: generation }),
    ...(references !== undefined && { [referencesAnnotation]: references }),
    ...(servers !== undefined && { [databaseServersAnnotation]: servers }),
    ...(restartedBy !== undefined && { [restartedByAnnotation]: restartedBy }),
  }
  return Object.keys(annotations).length > 0 ? { annotations } : {}
}

function serverContainer(input: TemplateInput) {
  const probe = (path: string) => ({
    httpGet: { path, port: 'observability' },
    timeoutSeconds: 2,
  })
  return {
    name: 'server',
    image: input.images.server,
    imagePullPolicy: 'IfNotPresent',
    command: ['node', ...nodeOptions(input.resolved.resources), 'server.js'],
    env: [
      ...environmentList(input),
      { name: 'UV_THREADPOOL_SIZE', value: String(threadPoolSize(input.resolved.resources)) },
    ],
    ports: [
      { name: 'http', containerPort: serverPorts.api },
      { name: 'observability', containerPort: serverPorts.observability },
    ],
    resources: input.resolved.resources,
    securityContext: containerSecurity,
    // A server that is waiting for a starting database must not be restarted.
    startupProbe: { ...probe('/startupz'), periodSeconds: 1, failureThreshold: 600 },
    readinessProbe: { ...probe('/readyz'), periodSeconds: 2, failureThreshold: 2 },
    livenessProbe: { ...probe('/livez'), periodSeconds: 10, failureThreshold: 3 },
    volumeMounts: volumeMountsOf(serverMounts(input)),
  }
}

/** The environment in a fixed order, so that the same spec results in the same template. */
function environmentList(input: TemplateInput): { name: string; value: string }[] {
  return Object.entries(serverEnvironment(input))
    .filter(([, value]) => value !== undefined && value !== '')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ name, value }))
}

function scheduling(input: TemplateInput) {
  const { pod, traits } = input.resolved
  const spread =
    pod.topologySpreadConstraints ?? (traits.spread ? spreadOf(selectorOf(input.owner.name, 'server')) : [])
  return {
    ...(Object.keys(pod.nodeSelector).length > 0 && { nodeSelector: pod.nodeSelector }),
    ...(pod.tolerations.length > 0 && { tolerations: pod.tolerations }),
    ...(pod.affinity !== undefined && { affinity: pod.affinity }),
    ...(pod.priorityClassName !== undefined && { priorityClassName: pod.priorityClassName }),
    ...(spread.length > 0 && { topologySpreadConstraints: spread }),
  }
}

/** Over nodes and zones if possible; a cluster with one node still runs every pod. */
export function spreadOf(matchLabels: Record<string, string>) {
  return ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels },
  }))
}

/** `<name>` selects the active colour, `<name>-preview` the other one, and `<name>-metrics` the pods of both. */
export function renderServices(input: RenderInput): Child[] {
  const { owner, placement } = input
  return [
    colorService(input, owner.name, placement.activeColor),
    ...(placement.previewColor === undefined ? [] : [colorService(input, previewName(input), placement.previewColor)]),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadataOf(input, `${owner.name}-metrics`, 'server'),
      spec: {
        ...everyFamily,
        clusterIP: 'None',
        selector: selectorOf(owner.name, 'server'),
        ports: [{ name: 'metrics', port: serverPorts.observability, targetPort: 'observability' }],
      },
    },
  ]
}

/** Selects the colour without the traffic, while it has pods. */
export function previewName({ owner }: Pick<RenderInput, 'owner'>): string {
  return `${owner.name}-preview`
}

function colorService(input: RenderInput, name: string, color: Color): Child {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(input, name, 'server'),
    spec: {
      ...everyFamily,
      selector: { ...selectorOf(input.owner.name, 'server'), [colorLabel]: color },
      ports: [{ name: 'http', port: 80, targetPort: 'http' }],
    },
  }
}
