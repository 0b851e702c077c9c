import { nginxRate, type RouteLimit } from '../rate-limits.ts'
import type { EdgeLayout } from './edge-layout.ts'
import { indent, listen } from './nginx-text.ts'

/** Maximum bytes of a request body; the server has the same limit. */
export const mostBodyBytes = '16k'

/**
 * The cipher suites of TLS 1.2, in the names of OpenSSL: those that RFC 9325 section 4.2 recommends. FAPI 2.0 allows no
 * others (section 5.2.2). By default, Nginx also offers suites without forward secrecy, and with CBC. The suites of TLS
 * 1.3 are not configured.
 */
export const tls12Ciphers = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
]

/** One host name that clients use. */
interface Host {
  host: string
  /** Destination of its requests: an upstream, or a variable with one. */
  upstream: string
  /** Whether it also answers requests with an unknown host name. */
  isDefault: boolean
}

/** The servers of one host name: the API over HTTPS, and a redirect from HTTP. */
export function hostServers(
  { host, upstream, isDefault }: Host,
  { limits, hsts, layout }: { limits: readonly RouteLimit[]; hsts: readonly string[]; layout: EdgeLayout },
): string {
  const fallback = isDefault ? ' default_server' : ''
  return `server {
  ${indent(listen(layout.ports.http, fallback), 2).trimStart()}
  server_name ${host};
  location / { return 308 https://${host}$request_uri; }
}

server {
  ${indent(listen(layout.ports.https, ` ssl${fallback}`), 2).trimStart()}
  http2 on;
  server_name ${host};
  ssl_certificate tls.crt;
  ssl_certificate_key tls.key;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_ciphers ${tls12Ciphers.join(':')};
  ssl_session_cache shared:tls:10m;
  ssl_session_timeout 1d;
  ssl_session_tickets off;

${indent(proxying(hsts), 2)}

  error_page 413 @too_large;
  error_page 429 @limited;
  error_page 502 503 504 =503 @unavailable;
${indent(limitOf(limits, 'perClient'), 2)}
  location / { proxy_pass http://${upstream}; }
${indent(limitedLocations(limits, upstream), 2)}
${indent(problem('too_large', 413, 'Content Too Large', 'body_too_large', `The body exceeds ${mostBodyBytes}.`, hsts), 2)}
${indent(problem('limited', 429, 'Too Many Requests', 'rate_limited', 'Too many requests from this address.', ['Retry-After 1', ...hsts]), 2)}
${indent(problem('unavailable', 503, 'Service Unavailable', 'not_ready', 'No server is available. Try again shortly.', ['Retry-After 2', ...hsts]), 2)}
}`
}

function proxying(headers: readonly string[]): string {
  return `proxy_http_version 1.1;
proxy_set_header Connection "";
proxy_set_header Host $host;
proxy_set_header X-Request-Id $id_of_request;
# Replaces the value of the client, because the server trusts the one address in this header.
proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header X-Forwarded-Proto https;
proxy_set_header X-Forwarded-Host $host;
proxy_set_header Forwarded "";
# The secret that identifies the edge to the server, in place of a client's value. The pod writes it when it starts.
include proxy-secret*.conf;
proxy_connect_timeout 2s;
proxy_read_timeout 30s;
proxy_send_timeout 30s;
proxy_buffering on;
# Retries at once on another server, but never a request that may have been executed, such as POST and PATCH.
proxy_next_upstream error timeout;
proxy_next_upstream_tries 2;
proxy_next_upstream_timeout 10s;
# The edge sets HSTS, because it also answers requests itself.
proxy_hide_header Strict-Transport-Security;
${headers.map((header) => `add_header ${header} always;`).join('\n')}`.trimEnd()
}

function limitOf(limits: readonly RouteLimit[], wanted: RouteLimit['name']): string {
  return limits
    .filter(({ name, rate }) => name === wanted && nginxRate(rate) !== undefined)
    .map(({ name, burst }) => `limit_req zone=${name}${burst > 0 ? ` burst=${burst} nodelay` : ''};`)
    .join('\n')
}

/** A location with its own limit does not inherit the limit of its server, so it contains both. */
function limitedLocations(limits: readonly RouteLimit[], upstream: string): string {
  return limits
    .filter(({ rate }) => nginxRate(rate) !== undefined)
    .flatMap(({ name, paths }) =>
      paths.map((path) =>
        [
          `location = ${path} {`,
          indent(limitOf(limits, 'perClient'), 2),
          indent(limitOf(limits, name), 2),
          `  proxy_pass http://${upstream};`,
          '}',
        ]
          .filter((line) => line !== '')
          .join('\n'),
      ),
    )
    .join('\n')
}

/** An error response of the edge itself, in the same format as those of the server (RFC 9457). */
function problem(
  name: string,
  status: number,
  title: string,
  code: string,
  detail: string,
  headers: readonly string[],
): string {
  const document = { type: 'about:blank', title, status, detail, code, request_id: '$id_of_request' }
  const own = ['Cache-Control no-store', 'X-Request-Id $id_of_request']
  return [
    `location @${name} {`,
    '  internal;',
    '  default_type application/problem+json;',
    ...[...headers, ...own].map((header) => `  add_header ${header} always;`),
    `  return ${status} '${JSON.stringify(document)}';`,
    '}',
  ].join('\n')
}
