# Have a Redis server write its data to its dump. Its administrator may load users only, so a user that may save is added to its
# ACL file, with a password that nobody keeps.
#
# The environment says where (REDIS_HOST, REDIS_PORT, REDIS_TLS_NAME and REDIS_CA_FILE, empty without TLS, REDIS_TIMEOUT in
# seconds), as whom (SAVE_ADMIN, SAVE_PASSWORD_FILE), the ACL file (SAVE_ACL) and how many seconds the dump may take (SAVE_TIMEOUT).
set -eu
export LC_ALL=C

fail() {
  printf '%s\n' "The cached answers of Redis on $REDIS_HOST port $REDIS_PORT cannot be saved: $1. The server runs as before." \
    "To go on without its answers: systemctl stop redis-server.service, then run the playbook again." >&2
  exit 1
}

# As a user whose password is in REDISCLI_AUTH, never on a command line.
client() { # seconds, user, command
  seconds=$1 user=$2
  shift 2
  timeout "$seconds" redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" --user "$user" --no-auth-warning \
    ${REDIS_TLS_NAME:+--tls} ${REDIS_CA_FILE:+--cacert "$REDIS_CA_FILE"} "$@" 2>&1 </dev/null ||
    [ $? -ne 124 ] || echo "no reply within $seconds s"
}

problem=$(certificate_problem)
[ -z "$problem" ] || fail "$problem"

password=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
digest=$(printf %s "$password" | sha256sum | cut -d ' ' -f 1)
draft=$(mktemp "$SAVE_ACL.XXXXXX")
trap 'rm -f "$draft"' EXIT
# Without the one of a run that was cut off.
grep -v '^user alchemorsel-save ' "$SAVE_ACL" >"$draft"
echo "user alchemorsel-save on #$digest -@all +auth +save" >>"$draft"
chown --reference="$SAVE_ACL" "$draft"
chmod --reference="$SAVE_ACL" "$draft"
mv "$draft" "$SAVE_ACL"

REDISCLI_AUTH=
read -r REDISCLI_AUTH <"$SAVE_PASSWORD_FILE" || [ -n "$REDISCLI_AUTH" ]
export REDISCLI_AUTH
reply=$(client "$REDIS_TIMEOUT" "$SAVE_ADMIN" ACL LOAD)
[ "$reply" = OK ] || fail "ACL LOAD was answered by: ${reply:-nothing}"

REDISCLI_AUTH=$password
reply=$(client "$SAVE_TIMEOUT" alchemorsel-save SAVE)
[ "$reply" = OK ] || fail "SAVE was answered by: ${reply:-nothing}"
echo saved
