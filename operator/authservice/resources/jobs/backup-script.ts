/** The paths of the volume and the Secrets in the container, and the parameters of the script. */
export interface BackupEnvironment {
  /** Name of the AuthService: its backups are in a folder with this name, so that several can share a volume. */
  AUTHSERVICE_NAME: string
  MONGODB_URL_FILE: string
  MONGODB_CA_FILE?: string
  DATABASE_NAME: string
  /** The collection of users: a backup without it fails. */
  COLLECTION_NAME: string
  /** Number of backups to keep. */
  BACKUP_KEEP: string
  /** Root of the volume. */
  BACKUP_DIRECTORY: string
  /** The message that `kubectl authservice` and `kubectl describe pod` show at the end. */
  RESULT_FILE: string
}

/**
 * Collections that a restore does not change. An old session or revocation would give access to users whose access was
 * revoked later, and the record of later events must not be lost.
 */
export const neverRestored = [
  'sessions',
  'revocations',
  'one_time_tokens',
  'known_devices',
  'mfa_challenges',
  'oauth_state',
  'locks',
  'security_events',
] as const

/** Maximum number of backups that `list` returns: a termination message has at most 4,096 bytes. */
const mostListed = 100

/**
 * One POSIX shell script for `backup`, `list` and `restore FILE`, for any image with mongodump, mongorestore and gzip.
 * It passes the URL in a file, because anyone on the node can see arguments. A backup is valid once it has its final
 * name: before that, its name ends in `.partial`.
 */
export const backupScript = `set -eu
umask 077
folder="$BACKUP_DIRECTORY/$AUTHSERVICE_NAME"
work=$(mktemp -d)
partial=
trap 'rm -rf "$work" \${partial:+"$partial"}' EXIT

finish() { printf '%s\\n' "$1" | tee "$RESULT_FILE"; }
fail() { finish "$1" >&2; exit 1; }

# The database of the URL is often the one that keeps the user, not the one to dump.
write_config() {
  url=$(cat "$MONGODB_URL_FILE")
  scheme=\${url%%://*}
  rest=\${url#*://}
  query=
  case $rest in *\\?*) query=\${rest#*\\?} rest=\${rest%%\\?*} ;; esac
  hosts=\${rest%%/*}
  path=
  case $rest in */*) path=\${rest#*/} ;; esac
  case "$scheme $hosts $query" in
    *authSource=* | mongodb+srv*) ;;
    *@*) query="\${query:+$query&}authSource=\${path:-admin}" ;;
  esac
  if [ -n "\${MONGODB_CA_FILE:-}" ]; then query="\${query:+$query&}tlsCAFile=$MONGODB_CA_FILE"; fi
  printf "uri: '%s'\\n" "$(printf '%s' "$scheme://$hosts/$DATABASE_NAME\${query:+?$query}" | sed "s/'/''/g")" >"$work/config"
}

# Says all that the program said, and ends with its last words when it fails.
run() {
  status=0
  "$@" >"$work/log" 2>&1 || status=$?
  cat "$work/log" >&2
  [ $status = 0 ] || fail "$1 failed: $(grep 'Failed: ' "$work/log" || tail -n 1 "$work/log")"
}

check() { gzip -t <"$1" 2>"$work/damage" || fail "$(basename "$1") is damaged: $(tail -n 1 "$work/damage")"; }

# Leaves the newest of the files that follow.
keep_newest() {
  keep=$1
  shift
  while [ $# -gt "$keep" ]; do
    rm -f "$1"
    shift
  done
}

# Into $partial, which is to be $file: a name that says when.
dump() {
  mkdir -p "$folder" 2>"$work/log" || fail "The volume cannot be written: $(cat "$work/log")"
  # What a run that was killed has left.
  find "$folder" -name '*.partial' -mmin +720 -delete
  while file="$folder/$1$(date -u +%Y%m%dT%H%M%SZ).archive.gz" && [ -e "$file" ]; do sleep 1; done
  partial="$file.partial"
  write_config
  run mongodump --config="$work/config" --gzip --archive="$partial"
  check "$partial"
}

backup() {
  dump ''
  grep -q "done dumping .\\{0,1\\}$DATABASE_NAME\\.$COLLECTION_NAME.\\{0,1\\} (" "$work/log" ||
    fail "There is no collection $COLLECTION_NAME in database $DATABASE_NAME: the dump was discarded."
  mv "$partial" "$file"
  keep_newest "$BACKUP_KEEP" "$folder"/[0-9]*Z.archive.gz
  finish "Wrote $(basename "$file"), $(wc -c <"$file") bytes."
}

list() {
  cd "$folder" 2>/dev/null || { finish ''; return; }
  for file in *.archive.gz; do
    if [ -f "$file" ]; then echo "$file $(wc -c <"$file")"; fi
  done | sort -r | head -n ${mostListed} >"$work/list"
  finish "$(cat "$work/list")"
}

restore() {
  case $1 in */* | '') fail "$1 is not the name of a backup." ;; esac
  [ -f "$folder/$1" ] || fail "There is no backup $1."
  check "$folder/$1"
  dump before-restore-
  mv "$partial" "$file"
  run mongorestore --config="$work/config" --gzip --archive="$folder/$1" --drop \\
    ${neverRestored.map((collection) => `--nsExclude="$DATABASE_NAME.${collection}"`).join(' ')}
  keep_newest "$BACKUP_KEEP" "$folder"/before-restore-*.archive.gz
  factors=
  # The archive begins with the names of its collections.
  if gzip -dc <"$folder/$1" 2>"$work/damage" | head -c 1000000 | LC_ALL=C grep -q second_factors; then
    factors=' Second factors are those of the backup: those removed since then are valid again, and those added since then are gone.'
  fi
  finish "Restored $1: $(grep -o '[0-9]* document(s) restored.*' "$work/log" | tail -n 1) The previous data is in $(basename "$file").$factors"
}

"$@"`
