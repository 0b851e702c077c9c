import { createHash } from 'node:crypto'
import { metadataOf, selectorOf } from '../../model/labels.ts'
import { secretNames } from '../../secrets/names.ts'
import { imagePullSecrets } from '../image-pull-secrets.ts'
import { everyFamily } from '../ip-families.ts'
import { containerSecurity, podDefaults, podSecurity, users } from '../pod-security.ts'
import type { Child, RenderInput } from '../render-input.ts'
import { previewName, spreadOf } from '../server/server.ts'
import { edgeLayout } from './edge-layout.ts'
import { edgeStartScript, writeUpstream } from './edge-start.ts'
import { nginxConfig } from './nginx-config.ts'

export function edgeName({ owner }: { owner: { name: string } }): string {
  return `${owner.name}-edge`
}

/** Nginx in front of the server: TLS, limits, and retries of requests that are safe to repeat. */
export function renderEdge(input: RenderInput): Child[] {
  const { type, tls } = input.resolved.ingress
  if (type !== 'Nginx' || tls.kind === 'missing') return []
  return [configMap(input), deployment(input, tls.secretName), service(input)]
}

function configMap(input: RenderInput): Child {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadataOf(input, edgeName(input), 'edge'),
    data: { 'nginx.conf': nginxConfig(input.resolved) },
  }
}

function deployment(input: RenderInput, tlsSecret: string): Child {
  const { owner, resolved } = input
  const matchLabels = selectorOf(owner.name, 'edge')
  const metadata = metadataOf(input, edgeName(input), 'edge')
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: {
      replicas: resolved.ingress.nginx.replicas,
      selector: { matchLabels },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: {
        metadata: { labels: metadata.labels, annotations: { [edgeSecretAnnotation]: edgeSecretHash(input) } },
        spec: {
          ...podDefaults,
          serviceAccountName: owner.name,
          ...imagePullSecrets(input),
          securityContext: podSecurity(users.nginx),
          terminationGracePeriodSeconds: 60,
          ...(resolved.traits.spread && { topologySpreadConstraints: spreadOf(matchLabels) }),
          containers: [container(input)],
          volumes: [
            { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } },
            { name: 'own', emptyDir: { medium: 'Memory', sizeLimit: '8Mi' } },
            { name: 'config', configMap: { name: edgeName(input) } },
            { name: 'tls', secret: { secretName: tlsSecret } },
            { name: 'secret', secret: { secretName: secretNames(owner.name).edgeSecret } },
          ],
        },
      },
    },
  }
}

function container({ owner, resolved, images }: RenderInput) {
  const probe = { httpGet: { path: '/healthz', port: 'health' }, timeoutSeconds: 2 }
  return {
    name: 'nginx',
    image: images.nginx,
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', '-c', edgeStartScript(upstreamOf(owner))],
    // During this time, endpoints may still contain the pod; then it gets TERM.
    lifecycle: { preStop: { exec: { command: ['sleep', '5'] } } },
    ports: [
      { name: 'https', containerPort: edgeLayout.ports.https },
      { name: 'http', containerPort: edgeLayout.ports.http },
      { name: 'health', containerPort: edgeLayout.ports.health },
    ],
    resources: resolved.ingress.nginx.resources,
    securityContext: containerSecurity,
    readinessProbe: { ...probe, periodSeconds: 2 },
    livenessProbe: { ...probe, periodSeconds: 10 },
    volumeMounts: [
      { name: 'tmp', mountPath: edgeLayout.scratch },
      { name: 'own', mountPath: edgeLayout.own },
      { name: 'config', mountPath: edgeLayout.config, readOnly: true },
      { name: 'tls', mountPath: edgeLayout.tls, readOnly: true },
      { name: 'secret', mountPath: edgeLayout.secret, readOnly: true },
    ],
  }
}

/** Pods read the Secret at startup: new content results in a new template, as for the server pods. */
export const edgeSecretAnnotation = 'auth-operator.dev/edge-secret-hash'

/** Represents the secret that the edge sends. */
export function edgeSecretHash({
  owner,
  secrets,
}: {
  owner: { name: string }
  secrets: RenderInput['secrets']
}): string {
  const name = secretNames(owner.name).edgeSecret
  const secret = secrets.find((one) => one.name === name)?.data['secret'] ?? ''
  // 256 random bits, which cannot be guessed from the hash.
  return createHash('sha256').update(`edge ${secret}`).digest('hex').slice(0, 16)
}

function upstreamOf(owner: RenderInput['owner']): string {
  return writeUpstream(`${owner.name}.${owner.namespace}`, `${previewName({ owner })}.${owner.namespace}`)
}

function service(input: RenderInput): Child {
  const { serviceType, nodePort } = input.resolved.ingress.nginx
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(input, edgeName(input), 'edge'),
    spec: {
      ...everyFamily,
      type: serviceType,
      // Limits count by client address: a load balancer must preserve it.
      ...(serviceType === 'LoadBalancer' && { externalTrafficPolicy: 'Local' }),
      selector: selectorOf(input.owner.name, 'edge'),
      ports: [
        { name: 'https', port: 443, targetPort: 'https', ...(nodePort !== undefined && { nodePort }) },
        { name: 'http', port: 80, targetPort: 'http' },
      ],
    },
  }
}
