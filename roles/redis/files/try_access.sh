# Use a Redis server as each of its users, and try what has to be refused.
#
# The environment says where (REDIS_HOST, REDIS_PORT, REDIS_TLS_NAME and REDIS_CA_FILE, empty without TLS, REDIS_TIMEOUT
# in seconds) and what (TRY_USER, TRY_PASSWORD_FILE, TRY_KEY, TRY_POLICY, TRY_READ_ONLY, not empty for a replica, and TRY_USERS, one
# "name password-file" a line).
# Passwords are read from their files into a pipe or REDISCLI_AUTH, never onto a command line. Prints each attempt that
# came out as it should; the first that did not is on standard error, and ends the script.
set -eu
export LC_ALL=C
unset REDISCLI_AUTH
user=

fail() {
  printf 'Redis on %s port %s: %s\n' "$REDIS_HOST" "$REDIS_PORT" "$1" >&2
  exit 1
}

# Each command has a connection of its own, so that no reply is taken for another's.
client() {
  timeout "$REDIS_TIMEOUT" redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" --no-raw ${user:+--user "$user"} \
    ${REDIS_TLS_NAME:+--tls} ${REDIS_CA_FILE:+--cacert "$REDIS_CA_FILE"} "$@" 2>&1 ||
    [ $? -ne 124 ] || echo "no reply within $REDIS_TIMEOUT s"
}

works() { # what, reply, command
  what=$1 expected=$2
  shift 2
  reply=$(client "$@" </dev/null)
  [ "$reply" = "$expected" ] || fail "$what should work, but the server answered: $reply"
  echo "$what"
}

refused() { # what, command
  what=$1
  shift
  reply=$(client "$@" </dev/null)
  case $reply in
    "(error) NOPERM"* | "(error) NOAUTH"* | "(error) WRONGPASS"*) echo "refused: $what" ;;
    "(error) "*) fail "$what should be refused, but the server answered: $reply" ;;
    *) fail "$what should be refused, but the server did it" ;; # what it said may be a secret
  esac
}

log_in() { # user, file with its password
  user='' password=''
  unset REDISCLI_AUTH
  read -r password <"$2" || [ -n "$password" ] || fail "cannot read the password of $1 in $2"
  reply=$(printf %s "$password" | client -x AUTH "$1")
  [ "$reply" = OK ] || fail "log in as $1 should work, but the server answered: $reply"
  echo "log in as $1"
  user=$1
  export REDISCLI_AUTH="$password"
}

# A server that systemd has just started may not listen yet.
give_up=$(($(date +%s) + REDIS_TIMEOUT))
while :; do
  reply=$(client PING </dev/null)
  case $reply in
    *"Could not connect"*"Connection refused"*) [ "$(date +%s)" -lt "$give_up" ] || fail "$reply" ;;
    *"Could not connect"* | "no reply"*) fail "$reply" ;;
    *) break ;;
  esac
  sleep 0.1
done

# No password is sent before the certificate is known to be the server's.
problem=$(certificate_problem)
[ -z "$problem" ] || fail "$problem"
[ -z "$REDIS_TLS_NAME" ] || echo "a certificate for $REDIS_TLS_NAME"

value=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
refused "PING without a password" PING
refused "a wrong password" AUTH "$TRY_USER" "$value"
refused "the user default without a password" AUTH default ''

# As the service counts requests of API keys; the key is gone after a minute, should the trial break off.
count="local n = redis.call('incrby', KEYS[1], 1); redis.call('pexpire', KEYS[1], 60000); return n"
digest=$(printf %s "$count" | sha1sum | cut -d ' ' -f 1)
log_in "$TRY_USER" "$TRY_PASSWORD_FILE"
if [ -n "${TRY_READ_ONLY-}" ]; then
  works "GET a key that is not there" '(nil)' GET "$TRY_KEY:$value"
else
  works "SET $TRY_KEY" OK SET "$TRY_KEY" "$value" EX 60
  works "GET $TRY_KEY" "\"$value\"" GET "$TRY_KEY"
  works "DEL $TRY_KEY" '(integer) 1' DEL "$TRY_KEY"
  works "load a script" "\"$digest\"" SCRIPT LOAD "$count"
  works "count by a script" '(integer) 1' EVALSHA "$digest" 1 "$TRY_KEY"
  works "DEL $TRY_KEY again" '(integer) 1' DEL "$TRY_KEY"
fi
refused "SET of a key outside" SET "outside:$value" "$value"
refused "GET of a key outside" GET "outside:$value"
refused "RENAME to a key outside" RENAME "$TRY_KEY" "outside:$value"
# One for each way to harm: read the configuration, lose the data, change who may come in, watch others, write files.
refused "CONFIG GET" CONFIG GET dir
refused FLUSHALL FLUSHALL
refused "ACL LIST" ACL LIST
refused SAVE SAVE
refused "KEYS *" KEYS '*'
# redis-cli 6.0 goes on reading where MONITOR was refused, until it is ended.
patience=$REDIS_TIMEOUT REDIS_TIMEOUT=2
refused MONITOR MONITOR
REDIS_TIMEOUT=$patience

figures=$(client INFO memory </dev/null | tr -d '\r')
case $figures in
  *maxmemory:[1-9]*) ;;
  *) fail "the running server has no memory limit" ;;
esac
policy=$(printf '%s\n' "$figures" | sed -n 's/^maxmemory_policy://p')
[ "$policy" = "$TRY_POLICY" ] || fail "the eviction policy should be $TRY_POLICY, but is: $policy"
echo "the memory limit and the eviction policy"

printf '%s\n' "$TRY_USERS" | while read -r name file; do
  [ -n "$name" ] || continue
  log_in "$name" "$file"
  refused "ACL SETUSER by $name" ACL SETUSER "$name" allcommands
done
