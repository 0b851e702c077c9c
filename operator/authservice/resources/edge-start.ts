import { idleUpstreamSeconds } from './drain.ts'
import { type EdgeLayout, edgeLayout } from './edge-layout.ts'

/**
 * How connections to the servers are kept. Nginx looks at the age of one when a request on it ends, so the last request
 * goes to the old pods up to `keepalive_time` and `keepalive_timeout` together after the Service points to others: 2 s.
 */
export const upstreamConnections = `keepalive 64;
  keepalive_requests 10000;
  keepalive_time 1s;
  keepalive_timeout ${idleUpstreamSeconds}s;`

/**
 * Writes the upstream of the configuration. Only a pod knows the cluster's DNS and domain. The Service is looked up
 * again every 5 s: one that is deleted and made again has another address. It is listed twice, because a request is
 * repeated on the next server only. `$preview` is looked up with each request: its Service comes and goes.
 *
 * @param service the server's Service, `name.namespace`
 * @param preview the one that leads to the other colour, likewise
 */
export function writeUpstream(service: string, preview: string, { own }: EdgeLayout = edgeLayout): string {
  return `dns=$(awk '/^nameserver/ { print $2; exit }' /etc/resolv.conf)
case $dns in *:*) dns="[$dns]" ;; esac
domain=$(awk '/^search/ { for (i = 2; i <= NF; i++) if ($i ~ /^svc\\./) { print $i; exit } }' /etc/resolv.conf)
cat >${own}/upstream.conf <<CONF
resolver $dns valid=5s;
map '' \\$preview {
  default ${preview}.$domain;
}
upstream server {
  zone server 128k;
  server ${service}.$domain:80 resolve max_fails=0;
  server ${service}.$domain:80 resolve max_fails=0;
  ${upstreamConnections}
}
CONF`
}

/**
 * What an edge pod runs: Nginx, and a loop that takes up a new configuration or certificate without a restart. What is
 * mounted is copied first, so that what was tested is what is loaded, and what ran last is still there when the
 * container starts again. POSIX shell only; the image has no more.
 *
 * @param upstream shell that writes `upstream.conf`
 * @param pollSeconds how often the mounts are looked at
 */
export function edgeStartScript(
  upstream: string,
  { config, tls, own }: EdgeLayout = edgeLayout,
  pollSeconds = 2,
): string {
  return `set -eu
umask 077

# The versions that are mounted. The kubelet renews a volume by pointing ..data to another folder.
versions() {
  (cd -P ${config}/..data && pwd -P) && (cd -P ${tls}/..data && pwd -P)
}

# report CONTENT REFUSED PROBLEM: what /configuration answers, the configurations as SHA-256.
report() {
  printf '{"content":"%s","refused":"%s","problem":"%s"}\\n' "$1" "$2" "$3" >${own}/report.next
  mv ${own}/report.next ${own}/report.json
}

# Makes what is mounted what runs next. 1: it is refused, and nothing changed. 2: it is being replaced right now.
take() {
  rm -rf ${own}/next && mkdir ${own}/next || return 2
  (cd -P ${config}/..data && cp nginx.conf ${own}/next/) || return 2
  (cd -P ${tls}/..data && cp tls.crt tls.key ${own}/next/) || return 2
  cp ${own}/upstream.conf ${own}/next/ || return 2
  content=$(sha256sum <${own}/next/nginx.conf | cut -d ' ' -f 1) || return 2
  if problem=$(nginx -e /dev/stderr -t -q -c ${own}/next/nginx.conf 2>&1); then
    rm -rf ${own}/live && mv ${own}/next ${own}/live || return 2
    taken=$content
    return 0
  fi
  # The sentence behind the time and the process.
  problem=$(printf '%s\\n' "$problem" | sed -n 's/^.*\\[emerg\\] [^:]*: //p' | head -n 1 | tr -d '"\\\\' | tr -c '[:print:]' ' ')
  printf '{"level":"error","msg":"the configuration is refused, the one before goes on","content":"%s","problem":"%s"}\\n' "$content" "$problem" >&2
  report "$taken" "$content" "$problem"
  return 1
}

watch() {
  while sleep ${pollSeconds}; do
    now=$(versions 2>/dev/null) || continue
    [ "$now" != "$seen" ] || continue
    result=0
    take || result=$?
    [ "$result" != 2 ] || continue
    seen=$now
    [ "$result" = 0 ] || continue
    kill -HUP "$nginx"
    report "$taken" '' ''
    printf '{"level":"info","msg":"the configuration is taken up","content":"%s"}\\n' "$taken" >&2
  done
}

${upstream}
taken=
# What the container ran before it was started again.
[ ! -e ${own}/live/nginx.conf ] || taken=$(sha256sum <${own}/live/nginx.conf | cut -d ' ' -f 1)
seen=$(versions)
if take; then
  report "$taken" '' ''
elif [ -z "$taken" ]; then
  exit 1
fi
nginx -e /dev/stderr -c ${own}/live/nginx.conf -g 'daemon off;' &
nginx=$!
# On TERM Nginx would drop its connections; on QUIT it finishes them.
trap 'kill -QUIT "$nginx" 2>/dev/null || :' TERM QUIT INT
watch &
watcher=$!
code=0
while :; do
  # A signal interrupts it, and Nginx goes on for as long as it has requests.
  wait "$nginx" && code=0 || code=$?
  kill -0 "$nginx" 2>/dev/null || break
done
kill "$watcher" 2>/dev/null || :
exit "$code"
`
}
