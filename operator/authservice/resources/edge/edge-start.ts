import { idleUpstreamSeconds } from '../server/drain.ts'
import { type EdgeLayout, edgeLayout } from './edge-layout.ts'
import { workerConnections, workers } from './nginx-config.ts'

/**
 * Settings of the connections to the servers. Nginx checks the age of a connection when a request on it ends, so the
 * last request reaches the old pods at most `keepalive_time` plus `keepalive_timeout` after the Service selects others:
 * 2 s.
 */
export const upstreamConnections = `keepalive 64;
  keepalive_requests 10000;
  keepalive_time 1s;
  keepalive_timeout ${idleUpstreamSeconds}s;`

/**
 * Writes the upstream of the configuration, because only a pod knows the DNS server and the domain of the cluster.
 * `$preview` is resolved for each request, because its Service exists only during a rollout.
 *
 * @param service the Service of the server, `name.namespace`
 * @param preview the Service of the other colour, in the same form
 */
export function writeUpstream(service: string, preview: string, { own }: EdgeLayout = edgeLayout): string {
  return `${findDns}
domain=$(awk '/^search/ { for (i = 2; i <= NF; i++) if ($i ~ /^svc\\./) { print $i; exit } }' /etc/resolv.conf)
cat >${own}/upstream.conf <<CONF
resolver $dns valid=5s;
map '' \\$preview {
  default ${preview}.$domain;
}
${upstreamServer(`${service}.$domain:80`)}
CONF`
}

/** Shell that sets `$dns` to the address of the DNS server, in the notation of Nginx. */
export const findDns = `dns=$(awk '/^nameserver/ { print $2; exit }' /etc/resolv.conf)
case $dns in *:*) dns="[$dns]" ;; esac`

/**
 * The upstream `server`. Its address is resolved again at the interval of `resolver`, because a recreated Service has
 * another address. It is listed twice, because Nginx retries a request only on the next server.
 *
 * @param address name and port of the server
 */
export function upstreamServer(address: string): string {
  return `upstream server {
  zone server 128k;
  server ${address} resolve max_fails=0;
  server ${address} resolve max_fails=0;
  ${upstreamConnections}
}`
}

/** Open files of a worker that are not connections: logs, long request bodies, epoll. */
const otherFiles = 256

/** Number of checks of the mounts after which responses are counted once. */
const roundsToCount = 3

/**
 * The program of an edge pod: Nginx, and a loop that loads a new configuration or certificate without a restart. The
 * mounted files are copied first, so that Nginx loads exactly the tested files, and so that the last good files still
 * exist when the container restarts. POSIX shell only, because the image contains no other shell.
 *
 * @param upstream shell that writes `upstream.conf`
 * @param pollSeconds interval between checks of the mounts
 */
export function edgeStartScript(
  upstream: string,
  { config, tls, secret, own }: EdgeLayout = edgeLayout,
  pollSeconds = 2,
): string {
  return `set -eu
umask 077

# A connection is an open file. Many nodes limit a container to 1,024, but let it raise that without privileges.
connections=${workerConnections}
ulimit -S -n ${workerConnections + otherFiles} 2>/dev/null || ulimit -S -n "$(ulimit -H -n)" || :
files=$(ulimit -n)
if [ "$files" != unlimited ] && [ "$files" -lt ${workerConnections + otherFiles} ]; then
  connections=$((files > ${2 * otherFiles} ? files - ${otherFiles} : files / 2))
  printf '{"level":"warn","msg":"the node lets a container open %s files, so a worker has %s of ${workerConnections} connections"}\\n' "$files" "$connections" >&2
fi

# The mounted versions. The kubelet updates a volume by pointing ..data to another folder.
versions() {
  (cd -P ${config}/..data && pwd -P) && (cd -P ${tls}/..data && pwd -P)
}

# report CONTENT REFUSED PROBLEM: writes the answer of /configuration, with configurations as SHA-256.
report() {
  printf '{"content":"%s","refused":"%s","problem":"%s"}\\n' "$1" "$2" "$3" >${own}/report.next
  mv ${own}/report.next ${own}/report.json
}

# tally FILE: adds the statuses in a file, one on each line, to the totals, and writes them for Prometheus.
tally() {
  awk '
    FNR == NR { total[$1] += $2; next }
    /^[1-5][0-9][0-9]$/ { total[$1]++ }
    END { for (status in total) print status, total[status] }
  ' ${own}/totals "$1" >${own}/totals.next
  mv ${own}/totals.next ${own}/totals
  {
    printf '# HELP edge_http_requests_total Responses of this pod to clients, by status.\n# TYPE edge_http_requests_total counter\n'
    while read -r status count; do printf 'edge_http_requests_total{status="%s"} %s\n' "$status" "$count"; done <${own}/totals
    printf '# HELP edge_connections Open connections of clients.\n# TYPE edge_connections gauge\nedge_connections <!--# echo var="connections_active" -->\n'
    printf '# HELP edge_connections_max Maximum number of connections of this pod, including those to servers.\n# TYPE edge_connections_max gauge\nedge_connections_max %s\n' "$((connections * ${workers}))"
  } >${own}/metrics.next
  mv ${own}/metrics.next ${own}/metrics.txt
}

# Counts what Nginx has written since it last reopened its files, and makes it reopen them.
count() {
  [ ! -e ${own}/answers.counted ] || tally ${own}/answers.counted
  rm -f ${own}/answers.counted
  [ -e ${own}/answers ] || return 0
  mv ${own}/answers ${own}/answers.counted
  kill -USR1 "$nginx"
}

# Makes the mounted files the next configuration. 1: refused, nothing changed. 2: they are being replaced now.
take() {
  rm -rf ${own}/next && mkdir ${own}/next || return 2
  (cd -P ${config}/..data && cp nginx.conf ${own}/next/mounted.conf) || return 2
  # A node without IPv6 has no IPv6 address to listen on.
  if [ -e /proc/net/if_inet6 ]; then ipv6=; else ipv6='/listen \\[::\\]/d'; fi
  sed "$ipv6
    s/worker_connections [0-9]*;/worker_connections $connections;/" ${own}/next/mounted.conf >${own}/next/nginx.conf || return 2
  (cd -P ${tls}/..data && cp tls.crt tls.key ${own}/next/) || return 2
  cp ${own}/upstream.conf ${own}/proxy-secret.conf ${own}/next/ || return 2
  content=$(sha256sum <${own}/next/mounted.conf | cut -d ' ' -f 1) || return 2
  if problem=$(nginx -e /dev/stderr -t -q -c ${own}/next/nginx.conf 2>&1); then
    rm -rf ${own}/live && mv ${own}/next ${own}/live || return 2
    taken=$content
    return 0
  fi
  # The message without time and process.
  problem=$(printf '%s\\n' "$problem" | sed -n 's/^.*\\[emerg\\] [^:]*: //p' | head -n 1 | tr -d '"\\\\' | tr -c '[:print:]' ' ')
  printf '{"level":"error","msg":"refused the configuration, keeping the previous one","content":"%s","problem":"%s"}\\n' "$content" "$problem" >&2
  report "$taken" "$content" "$problem"
  return 1
}

watch() {
  rounds=0
  while sleep ${pollSeconds}; do
    # Before Nginx has written this file, a signal would end it.
    [ -e ${own}/nginx.pid ] || continue
    rounds=$(((rounds + 1) % ${roundsToCount}))
    [ "$rounds" != 0 ] || count
    now=$(versions 2>/dev/null) || continue
    [ "$now" != "$seen" ] || continue
    result=0
    take || result=$?
    [ "$result" != 2 ] || continue
    seen=$now
    [ "$result" = 0 ] || continue
    kill -HUP "$nginx"
    report "$taken" '' ''
    printf '{"level":"info","msg":"loaded the configuration","content":"%s"}\\n' "$taken" >&2
  done
}

${upstream}
# The main statuses start at 0, because Prometheus misses the increase of a counter that starts above 0.
[ -e ${own}/totals ] || printf '%s 0\n' 200 429 500 503 >${own}/totals
tally /dev/null
printf 'proxy_set_header X-Proxy-Secret "%s";\\n' "$(cat ${secret}/secret)" >${own}/proxy-secret.conf
taken=
# The configuration before the container restarted.
[ ! -e ${own}/live/mounted.conf ] || taken=$(sha256sum <${own}/live/mounted.conf | cut -d ' ' -f 1)
seen=$(versions)
if take; then
  report "$taken" '' ''
elif [ -z "$taken" ]; then
  exit 1
fi
rm -f ${own}/nginx.pid
nginx -e /dev/stderr -c ${own}/live/nginx.conf -g 'daemon off;' &
nginx=$!
# On TERM, Nginx would drop its connections. On QUIT, it finishes them.
trap 'kill -QUIT "$nginx" 2>/dev/null || :' TERM QUIT INT
watch &
watcher=$!
code=0
while :; do
  # A signal interrupts wait, and Nginx continues as long as it has requests.
  wait "$nginx" && code=0 || code=$?
  kill -0 "$nginx" 2>/dev/null || break
done
kill "$watcher" 2>/dev/null || :
exit "$code"
`
}
