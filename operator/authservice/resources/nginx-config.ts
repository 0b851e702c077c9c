import type { ResolvedIngress, ResolvedRateLimits } from '../api/resolved-spec.ts'
import type { Rate } from '../api/units.ts'

export const edgePorts = { http: 8080, https: 8443, health: 8081 } as const

/** Bytes of a request body; the server's own limit. */
const mostBodyBytes = '16k'

export interface NginxConfigInput {
  ingress: Pick<ResolvedIngress, 'host'>
  rateLimits: ResolvedRateLimits
}

/** Routes that have a limit of their own, by the name of the limit. */
const limitedRoutes = { login: '/v1/auth/login', register: '/v1/auth/register', refresh: '/v1/auth/refresh' } as const

/**
 * The configuration of the edge. The settings of connections were measured: with them no request fails while pods of
 * the server or of the edge itself are replaced.
 * @see https://nginx.org/en/docs/http/ngx_http_upstream_module.html
 */
export function nginxConfig({ ingress, rateLimits }: NginxConfigInput): string {
  return `# Made by authservice-operator from spec.ingress and spec.rateLimits: edit those.
worker_processes 2;
worker_shutdown_timeout 30s;
pid /tmp/nginx.pid;
error_log /dev/stderr warn;

events { worker_connections 4096; }

http {
  # Never the query or a header: tokens travel there.
  log_format json escape=json '{"time":"$time_iso8601","remote_addr":"$remote_addr","method":"$request_method",'
    '"path":"$uri","status":$status,"bytes":$body_bytes_sent,"seconds":$request_time,'
    '"upstream":"$upstream_addr","upstream_status":"$upstream_status","upstream_seconds":"$upstream_response_time",'
    '"request_id":"$id_of_request","limit":"$limit_req_status","tls":"$ssl_protocol"}';
  access_log /dev/stdout json;

  client_body_temp_path /tmp/client_body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;

  server_tokens off;
  types { }
  default_type application/octet-stream;
  client_max_body_size ${mostBodyBytes};
  client_body_buffer_size ${mostBodyBytes};
  large_client_header_buffers 4 8k;
  client_header_timeout 10s;
  client_body_timeout 10s;
  send_timeout 30s;
  keepalive_timeout 75s;
  # A worker that shuts down keeps idle connections for so long: a client may be about to use one.
  keepalive_min_timeout 10s;

  limit_req_status 429;
${indent(zones(rateLimits), 2)}

  # Written at the start of the pod: the address of the cluster's DNS, and the server's Service by its full name.
  include /tmp/upstream.conf;

  map $http_x_request_id $id_of_request {
    "~^[A-Za-z0-9_.-]{8,128}$" $http_x_request_id;
    default $request_id;
  }

  server {
    listen ${edgePorts.health};
    access_log off;
    location = /healthz { return 200 "ok\\n"; }
    location / { return 404; }
  }

  server {
    listen ${edgePorts.http};
    server_name ${ingress.host};
    location / { return 308 https://$host$request_uri; }
  }

  server {
    listen ${edgePorts.https} ssl default_server;
    http2 on;
    server_name ${ingress.host};
    ssl_certificate /etc/edge-tls/tls.crt;
    ssl_certificate_key /etc/edge-tls/tls.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:tls:10m;
    ssl_session_timeout 1d;
    ssl_session_tickets off;

    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    proxy_set_header X-Request-Id $id_of_request;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto https;
    proxy_set_header X-Forwarded-Host $host;
    proxy_connect_timeout 2s;
    proxy_read_timeout 30s;
    proxy_send_timeout 30s;
    proxy_buffering on;
    # Repeated at once elsewhere, but never a request that may have been carried out: POST, PATCH and the like.
    proxy_next_upstream error timeout;
    proxy_next_upstream_tries 2;
    proxy_next_upstream_timeout 10s;

    error_page 413 @too_large;
    error_page 429 @limited;
    error_page 502 503 504 @unavailable;
    limit_req zone=per_client burst=${rateLimits.burst} nodelay;

    location / { proxy_pass http://server; }
${indent(limitedLocations(rateLimits), 4)}

${indent(problemLocation('too_large', 413, 'Content Too Large', 'body_too_large', `The body is over ${mostBodyBytes}.`), 4)}
${indent(problemLocation('limited', 429, 'Too Many Requests', 'rate_limited', 'Too many requests from this address.', 1), 4)}
${indent(problemLocation('unavailable', 503, 'Service Unavailable', 'not_ready', 'No server answers. Try again shortly.', 2), 4)}
  }
}
`
}

/**
 * Nginx counts per second or per minute, in whole numbers. A limit that it cannot express is left to the server, which
 * keeps all of them.
 */
export function nginxRate({ count, perSeconds }: Rate): string | undefined {
  if (perSeconds === 1) return `${count}r/s`
  if (perSeconds === 60) return `${count}r/m`
  const perMinute = (count * 60) / perSeconds
  return perMinute >= 1 ? `${Math.ceil(perMinute)}r/m` : undefined
}

function zones(limits: ResolvedRateLimits): string {
  const zone = (name: string, rate: string | undefined) =>
    rate === undefined ? [] : [`limit_req_zone $binary_remote_addr zone=${name}:10m rate=${rate};`]
  return [
    ...zone('per_client', nginxRate(limits.perClient) ?? '1r/m'),
    ...Object.keys(limitedRoutes).flatMap((name) => zone(name, nginxRate(rateOf(limits, name)))),
  ].join('\n')
}

/** The limits of single routes, as a burst of the whole count: the server decides exactly, the edge keeps floods away. */
function limitedLocations(limits: ResolvedRateLimits): string {
  return Object.entries(limitedRoutes)
    .filter(([name]) => nginxRate(rateOf(limits, name)) !== undefined)
    .map(
      ([name, path]) =>
        `location = ${path} {\n` +
        `  limit_req zone=per_client burst=${limits.burst} nodelay;\n` +
        `  limit_req zone=${name} burst=${rateOf(limits, name).count} nodelay;\n` +
        '  proxy_pass http://server;\n}',
    )
    .join('\n')
}

function rateOf(limits: ResolvedRateLimits, name: string): Rate {
  switch (name) {
    case 'login':
      return limits.login
    case 'register':
      return limits.register
    default:
      return limits.refresh
  }
}

/** An answer of the edge itself, in the form of the server's (RFC 9457). */
function problemLocation(
  name: string,
  status: number,
  title: string,
  code: string,
  detail: string,
  retryAfter?: number,
): string {
  const document = { type: 'about:blank', title, status, detail, code, request_id: '$id_of_request' }
  return [
    `location @${name} {`,
    '  internal;',
    '  default_type application/problem+json;',
    ...(retryAfter === undefined ? [] : [`  add_header Retry-After ${retryAfter} always;`]),
    '  add_header Cache-Control no-store always;',
    '  add_header X-Request-Id $id_of_request always;',
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
