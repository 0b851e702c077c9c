/**
 * Annotations of an Ingress that an AuthService may have, by the controller that reads them. Many others affect all
 * routes of the controller: configuration in its own language (snippets, `config-backend`), other host names, programs
 * or Secrets of other namespaces, mirrors and redirects of traffic.
 */
const allowedByController = {
  f5: {
    prefix: 'nginx.org/',
    names: [
      'client-max-body-size',
      'redirect-to-https',
      'http-redirect-code',
      'hsts',
      'hsts-max-age',
      'hsts-include-subdomains',
      'hsts-behind-proxy',
      'keepalive',
      'lb-method',
      'max-fails',
      'fail-timeout',
      'limit-req-rate',
      'limit-req-burst',
      'limit-req-no-delay',
      'limit-req-reject-code',
      'limit-req-scale',
      'limit-req-dry-run',
      'limit-req-zone-size',
      'max-conns',
      'proxy-buffer-size',
      'proxy-buffering',
      'proxy-buffers',
      'proxy-connect-timeout',
      'proxy-read-timeout',
      'proxy-send-timeout',
    ],
  },
  ingressNginx: {
    prefix: 'nginx.ingress.kubernetes.io/',
    names: [
      'client-body-buffer-size',
      'denylist-source-range',
      'enable-access-log',
      'force-ssl-redirect',
      'ssl-redirect',
      'limit-burst-multiplier',
      'limit-connections',
      'limit-rpm',
      'limit-rps',
      'load-balance',
      'proxy-body-size',
      'proxy-buffer-size',
      'proxy-buffering',
      'proxy-buffers-number',
      'proxy-connect-timeout',
      'proxy-next-upstream',
      'proxy-next-upstream-timeout',
      'proxy-next-upstream-tries',
      'proxy-read-timeout',
      'proxy-send-timeout',
      'whitelist-source-range',
    ],
  },
  traefik: {
    prefix: 'traefik.ingress.kubernetes.io/',
    names: ['router.entrypoints', 'router.tls', 'router.tls.certresolver'],
  },
  certManager: {
    prefix: 'cert-manager.io/',
    names: [
      'cluster-issuer',
      'issuer',
      'issuer-group',
      'issuer-kind',
      'duration',
      'renew-before',
      'private-key-algorithm',
      'private-key-encoding',
      'private-key-rotation-policy',
      'private-key-size',
      'revision-history-limit',
    ],
  },
  acme: {
    prefix: 'acme.cert-manager.io/',
    names: ['http01-edit-in-place', 'http01-ingress-class', 'http01-ingress-ingressclassname'],
  },
  externalDns: { prefix: 'external-dns.alpha.kubernetes.io/', names: ['cloudflare-proxied', 'ttl'] },
} as const

const allowedKeys: ReadonlySet<string> = new Set(
  Object.values(allowedByController).flatMap(({ prefix, names }) => names.map((name) => `${prefix}${name}`)),
)

/**
 * Whether an AuthService may have the annotation.
 * @param more from the configuration of the operator: keys, and prefixes of keys that end in `*`
 */
export function isAllowedAnnotation(key: string, more: readonly string[]): boolean {
  if (allowedKeys.has(key)) return true
  return more.some((one) => (one.endsWith('*') ? key.startsWith(one.slice(0, -1)) : key === one))
}
