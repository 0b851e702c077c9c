import type { EnvironmentTraits } from '../api/presets.ts'
import type { ResolvedIngress } from '../api/resolved-spec.ts'
import { type EdgeLayout, edgeLayout } from './edge-layout.ts'
import { type EdgeLimits, nginxRate, type RouteLimit, rateLimitIntent } from './rate-limits.ts'

/** Bytes of a request body; the server's own limit. */
const mostBodyBytes = '16k'

export interface NginxConfigInput {
  ingress: Pick<ResolvedIngress, 'host'>
  rateLimits: EdgeLimits
  traits: Pick<EnvironmentTraits, 'hsts'>
  rollout?: { blueGreen: { previewHost: string | undefined } }
}

/**
 * The configuration of the edge. The settings of connections were measured: with them no request fails while pods of
 * the server or of the edge itself are replaced. Files without a folder are found beside it.
 * @see https://nginx.org/en/docs/http/ngx_http_upstream_module.html
 */
export function nginxConfig(input: NginxConfigInput, layout = edgeLayout): string {
  const { ingress, rateLimits, traits } = input
  const previewHost = input.rollout?.blueGreen.previewHost
  const limits = rateLimitIntent(rateLimits)
  const hsts = traits.hsts ? ["Strict-Transport-Security 'max-age=31536000; includeSubDomains'"] : []
  const main = { host: ingress.host, upstream: 'server', isDefault: true }
  // Known only where a preview is asked for: the pod finds the Service anew with each request, for it comes and goes.
  const hosts =
    previewHost === undefined ? [main] : [main, { host: previewHost, upstream: '$preview', isDefault: false }]
  return `# Made by authservice-operator from spec.ingress and spec.rateLimits: edit those.
worker_processes 2;
worker_shutdown_timeout 30s;
pid ${layout.own}/nginx.pid;
error_log /dev/stderr warn;

events { worker_connections 4096; }

http {
${indent(logging(layout), 2)}

  server_tokens off;
  server_names_hash_bucket_size 512;
  types { }
  default_type application/octet-stream;
  client_max_body_size ${mostBodyBytes};
  client_body_buffer_size ${mostBodyBytes};
  large_client_header_buffers 4 8k;
  client_header_timeout 10s;
  client_body_timeout 10s;
  send_timeout 30s;
  keepalive_timeout 75s;
  # By default a connection ends after 1,000: a client of HTTP/2 that is sending then loses that request.
  keepalive_requests 100000;
  # A worker that shuts down keeps idle connections for so long: a client may be about to use one.
  keepalive_min_timeout 10s;

  limit_req_status 429;
${indent(zones(limits), 2)}

  # Written at the start of the pod: the address of the cluster's DNS, and the server's Service by its full name.
  include upstream.conf;

  map $http_x_request_id $id_of_request {
    "~^[A-Za-z0-9_.-]{8,128}$" $http_x_request_id;
    default $request_id;
  }

  server {
    listen ${layout.ports.health};
    access_log off;
    location = /healthz { return 200 "ok\\n"; }
    # Which configuration runs, and why the newest one does not.
    location = /configuration {
      default_type application/json;
      alias ${layout.own}/report.json;
    }
    location / { return 404; }
  }

${hosts.map((one) => indent(hostServers(one, { limits, hsts, layout }), 2)).join('\n\n')}
}
`
}

interface Host {
  host: string
  /** Where its requests go. */
  upstream: string
  /** It answers for every name that nobody else has. */
  isDefault: boolean
}

/** What serves one name: the API by HTTPS, and the way there from HTTP. */
function hostServers(
  { host, upstream, isDefault }: Host,
  { limits, hsts, layout }: { limits: readonly RouteLimit[]; hsts: readonly string[]; layout: EdgeLayout },
): string {
  const fallback = isDefault ? ' default_server' : ''
  return `server {
  listen ${layout.ports.http}${fallback};
  server_name ${host};
  location / { return 308 https://${host}$request_uri; }
}

server {
  listen ${layout.ports.https} ssl${fallback};
  http2 on;
  server_name ${host};
  ssl_certificate tls.crt;
  ssl_certificate_key tls.key;
  ssl_protocols TLSv1.2 TLSv1.3;
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
${indent(problem('too_large', 413, 'Content Too Large', 'body_too_large', `The body is over ${mostBodyBytes}.`, hsts), 2)}
${indent(problem('limited', 429, 'Too Many Requests', 'rate_limited', 'Too many requests from this address.', ['Retry-After 1', ...hsts]), 2)}
${indent(problem('unavailable', 503, 'Service Unavailable', 'not_ready', 'No server answers. Try again shortly.', ['Retry-After 2', ...hsts]), 2)}
}`
}

function logging({ scratch }: EdgeLayout): string {
  return `# Never the query or a header: tokens travel there.
log_format json escape=json '{"time":"$time_iso8601","remote_addr":"$remote_addr","method":"$request_method",'
  '"path":"$uri","status":$status,"bytes":$body_bytes_sent,"seconds":$request_time,'
  '"upstream":"$upstream_addr","upstream_status":"$upstream_status","upstream_seconds":"$upstream_response_time",'
  '"request_id":"$id_of_request","limit":"$limit_req_status","tls":"$ssl_protocol"}';
access_log /dev/stdout json;

client_body_temp_path ${scratch}/client_body;
proxy_temp_path ${scratch}/proxy;
fastcgi_temp_path ${scratch}/fastcgi;
uwsgi_temp_path ${scratch}/uwsgi;
scgi_temp_path ${scratch}/scgi;`
}

function proxying(headers: readonly string[]): string {
  return `proxy_http_version 1.1;
proxy_set_header Connection "";
proxy_set_header Host $host;
proxy_set_header X-Request-Id $id_of_request;
# What a client writes there itself is dropped: the server believes the one address that stands in it.
proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header X-Forwarded-Proto https;
proxy_set_header X-Forwarded-Host $host;
proxy_set_header Forwarded "";
proxy_connect_timeout 2s;
proxy_read_timeout 30s;
proxy_send_timeout 30s;
proxy_buffering on;
# Repeated at once elsewhere, but never a request that may have been carried out: POST, PATCH and the like.
proxy_next_upstream error timeout;
proxy_next_upstream_tries 2;
proxy_next_upstream_timeout 10s;
# Whether browsers are told to come back by HTTPS only is the edge's to say, for it answers by itself as well.
proxy_hide_header Strict-Transport-Security;
${headers.map((header) => `add_header ${header} always;`).join('\n')}`.trimEnd()
}

/** Of limits that Nginx can count. A full zone forgets the address that was away longest. */
function zones(limits: readonly RouteLimit[]): string {
  return limits
    .flatMap(({ name, rate }) => {
      const counted = nginxRate(rate)
      const size = name === 'perClient' ? '10m' : '4m'
      return counted === undefined
        ? []
        : [`limit_req_zone $binary_remote_addr zone=${name}:${size} rate=${counted.count}r/${counted.unit};`]
    })
    .join('\n')
}

function limitOf(limits: readonly RouteLimit[], wanted: RouteLimit['name']): string {
  return limits
    .filter(({ name, rate }) => name === wanted && nginxRate(rate) !== undefined)
    .map(({ name, burst }) => `limit_req zone=${name}${burst > 0 ? ` burst=${burst} nodelay` : ''};`)
    .join('\n')
}

/** A location with a limit of its own no longer has that of its server: it takes both. */
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

/** An answer of the edge itself, in the form of the server's (RFC 9457). */
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

function indent(text: string, columns: number): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : `${' '.repeat(columns)}${line}`))
    .join('\n')
}
