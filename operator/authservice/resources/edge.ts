import { edgeLayout } from './edge-layout.ts'
import { edgeStartScript, writeUpstream } from './edge-start.ts'
import { imagePullSecrets } from './image-pull-secrets.ts'
import { metadataOf, selectorOf } from './metadata.ts'
import { nginxConfig } from './nginx-config.ts'
import { containerSecurity, podDefaults, podSecurity, users } from './pod-security.ts'
import type { Child, RenderInput } from './render-input.ts'
import { previewName, spreadOf } from './server.ts'

export function edgeName({ owner }: Pick<RenderInput, 'owner'>): string {
  return `${owner.name}-edge`
}

/** Nginx in front of the server: TLS, limits, requests that are repeated when that is safe. */
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
        metadata: { labels: metadata.labels },
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
            { name: 'own', emptyDir: { medium: 'Memory', sizeLimit: '4Mi' } },
            { name: 'config', configMap: { name: edgeName(input) } },
            { name: 'tls', secret: { secretName: tlsSecret } },
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
    // So long the endpoints may still lead here; then comes TERM.
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
    ],
  }
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
      type: serviceType,
      // Limits count by address: a load balancer must not replace it.
      ...(serviceType === 'LoadBalancer' && { externalTrafficPolicy: 'Local' }),
      selector: selectorOf(input.owner.name, 'edge'),
      ports: [
        { name: 'https', port: 443, targetPort: 'https', ...(nodePort !== undefined && { nodePort }) },
        { name: 'http', port: 80, targetPort: 'http' },
      ],
    },
  }
}
