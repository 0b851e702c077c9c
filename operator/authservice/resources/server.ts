import type { PodTemplate } from '../rollout/revisions.ts'
import { type Color, colors } from '../rollout/world.ts'
import { secretNames } from '../secrets/names.ts'
import { generationOf } from '../secrets/password-rotation.ts'
import type { SecretData } from '../secrets/secret-data.ts'
import { imagePullSecrets } from './image-pull-secrets.ts'
import { colorLabel, labelsOf, metadataOf, revisionLabel, selectorOf } from './metadata.ts'
import { nodeOptions, threadPoolSize } from './node-limits.ts'
import { containerSecurity, podDefaults, podSecurity, users } from './pod-security.ts'
import { referencedHash } from './referenced-hash.ts'
import type { Child, RenderInput, TemplateInput } from './render-input.ts'
import { serverMounts, volumeMountsOf, volumesOf } from './secret-mounts.ts'
import { serverEnvironment, serverPorts } from './server-environment.ts'

export function serverName({ owner }: Pick<RenderInput, 'owner'>, color: Color): string {
  return `${owner.name}-${color}`
}

/**
 * The Deployments of the colours. They never carry `replicas`: the count belongs to the autoscaler, or is written
 * through the scale subresource.
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

/** What makes a server pod, whatever its colour: a change of it is a new revision. */
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

/** By what `kubectl rollout restart` does, too: another annotation makes another template. */
const restartedByAnnotation = 'auth-operator.dev/restarted-by'

/** Server pods read their passwords when they start: others make other pods. */
export const passwordsByAnnotation = 'auth-operator.dev/passwords-by'

/** The rotations that the passwords of the databases came by; undefined: they are the first ones. */
export function passwordsBy(authService: string, secrets: ReadonlyMap<string, SecretData>): string | undefined {
  const { redis, mongodb } = secretNames(authService)
  const generations = [redis, mongodb].flatMap((name) => generationOf(secrets.get(name)) ?? [])
  return generations.length === 0 ? undefined : [...new Set(generations)].join(',')
}

/** Server pods read what a spec refers to when they start, too. */
const referencesAnnotation = 'auth-operator.dev/references-hash'

/** What a template says of all that is not in its spec: contents of Secrets, and what a person asked for. */
export const outerCauses = [passwordsByAnnotation, referencesAnnotation, restartedByAnnotation] as const

function podAnnotations(input: TemplateInput) {
  const { owner, resolved, restartedBy, secrets } = input
  const references = referencedHash(input)
  const by = passwordsBy(owner.name, new Map(secrets.map(({ name, data }) => [name, data])))
  const annotations = {
    ...resolved.pod.annotations,
    ...(by !== undefined && { [passwordsByAnnotation]: by }),
    ...(references !== undefined && { [referencesAnnotation]: references }),
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
    // Waiting for a database that still starts is no reason to be restarted.
    startupProbe: { ...probe('/startupz'), periodSeconds: 1, failureThreshold: 600 },
    readinessProbe: { ...probe('/readyz'), periodSeconds: 2, failureThreshold: 2 },
    livenessProbe: { ...probe('/livez'), periodSeconds: 10, failureThreshold: 3 },
    volumeMounts: volumeMountsOf(serverMounts(input)),
  }
}

/** The environment in a fixed order, so that the same spec gives the same template. */
export function environmentList(input: TemplateInput): { name: string; value: string }[] {
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

/** Over nodes and zones as far as there are any; a cluster with one node still runs every pod. */
export function spreadOf(matchLabels: Record<string, string>) {
  return ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels },
  }))
}

/** `<name>` leads to the active colour, `<name>-preview` to the other one; `<name>-metrics` finds every pod of both. */
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
        clusterIP: 'None',
        selector: selectorOf(owner.name, 'server'),
        ports: [{ name: 'metrics', port: serverPorts.observability, targetPort: 'observability' }],
      },
    },
  ]
}

/** Leads to the colour without the traffic, while it has pods. */
export function previewName({ owner }: Pick<RenderInput, 'owner'>): string {
  return `${owner.name}-preview`
}

function colorService(input: RenderInput, name: string, color: Color): Child {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(input, name, 'server'),
    spec: {
      selector: { ...selectorOf(input.owner.name, 'server'), [colorLabel]: color },
      ports: [{ name: 'http', port: 80, targetPort: 'http' }],
    },
  }
}
