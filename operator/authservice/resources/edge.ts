import { createHash } from 'node:crypto'
import { imagePullSecrets } from './image-pull-secrets.ts'
import { metadataOf, selectorOf } from './metadata.ts'
import { edgePorts, nginxConfig } from './nginx-config.ts'
import { containerSecurity, podDefaults, podSecurity, users } from './pod-security.ts'
import type { Child, RenderInput } from './render-input.ts'
import { spreadOf } from './server.ts'

/** Changes of these restart the edge, one pod at a time. */
const contentAnnotation = 'auth-operator.dev/content'

export function edgeName({ owner }: Pick<RenderInput, 'owner'>): string {
  return `${owner.name}-edge`
}

/**
 * Finds the cluster's DNS and domain, which only a pod knows. Nginx looks the Service up again every 5 s: one that is
 * deleted and made again has another address. Listed twice, because a request is repeated on the next server only.
 */
function upstreamScript({ name, namespace }: RenderInput['owner']): string {
  return `set -eu
dns=$(awk '/^nameserver/ { print $2; exit }' /etc/resolv.conf)
case $dns in *:*) dns="[$dns]" ;; esac
domain=$(awk '/^search/ { for (i = 2; i <= NF; i++) if ($i ~ /^svc\\./) { print $i; exit } }' /etc/resolv.conf)
cat >/tmp/upstream.conf <<CONF
upstream server {
  zone server 128k;
  resolver $dns valid=5s;
  server ${name}.${namespace}.$domain:80 resolve max_fails=0;
  server ${name}.${namespace}.$domain:80 resolve max_fails=0;
  keepalive 64;
  keepalive_requests 10000;
  keepalive_time 10s;
  keepalive_timeout 30s;
}
CONF
nginx -e /dev/stderr -c /etc/edge/nginx.conf -g 'daemon off;' &
nginx=$!
# The kubelet says TERM, on which Nginx drops its connections; on QUIT it finishes them.
trap 'kill -QUIT $nginx' TERM
wait $nginx || wait $nginx`
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
        metadata: { labels: metadata.labels, annotations: { [contentAnnotation]: contentHash(input, tlsSecret) } },
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
    command: ['sh', '-c', upstreamScript(owner)],
    // So long the endpoints may still lead here; then comes TERM.
    lifecycle: { preStop: { exec: { command: ['sleep', '5'] } } },
    ports: [
      { name: 'https', containerPort: edgePorts.https },
      { name: 'http', containerPort: edgePorts.http },
      { name: 'health', containerPort: edgePorts.health },
    ],
    resources: resolved.ingress.nginx.resources,
    securityContext: containerSecurity,
    readinessProbe: { ...probe, periodSeconds: 2 },
    livenessProbe: { ...probe, periodSeconds: 10 },
    volumeMounts: [
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'config', mountPath: '/etc/edge', readOnly: true },
      { name: 'tls', mountPath: '/etc/edge-tls', readOnly: true },
    ],
  }
}

/** Of the configuration and the certificate; nothing secret goes into it. */
function contentHash({ resolved, secrets, referencedSecrets }: RenderInput, tlsSecret: string): string {
  const own = secrets.find(({ name }) => name === tlsSecret)?.data
  const certificate = (own ?? referencedSecrets.get(tlsSecret))?.['tls.crt'] ?? ''
  return createHash('sha256').update(nginxConfig(resolved)).update(certificate).digest('hex').slice(0, 16)
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
