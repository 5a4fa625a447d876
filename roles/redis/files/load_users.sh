# Have a running Redis server read its users again, without a restart, which would lose the cache.
#
# The environment says where (REDIS_HOST, REDIS_PORT, REDIS_TLS_NAME and REDIS_CA_FILE, empty without TLS, REDIS_TIMEOUT
# in seconds), as whom (LOAD_USER, LOAD_PASSWORD_FILE), and the file whose time tells when that was done last (LOAD_STAMP).
# Prints "loaded", or what the server answered where it needs a restart: it does not know that user yet, or is down.
set -eu
export LC_ALL=C
problem=$(certificate_problem)
if [ -n "$problem" ]; then
  echo "needs a restart: $problem"
  exit 0
fi
REDISCLI_AUTH=
read -r REDISCLI_AUTH <"$LOAD_PASSWORD_FILE" || [ -n "$REDISCLI_AUTH" ]
export REDISCLI_AUTH
reply=$(timeout "$REDIS_TIMEOUT" redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" --user "$LOAD_USER" \
  ${REDIS_TLS_NAME:+--tls} ${REDIS_CA_FILE:+--cacert "$REDIS_CA_FILE"} ACL LOAD 2>&1) || true
case $reply in
  OK)
    touch "$LOAD_STAMP"
    echo loaded
    ;;
  "" | *"AUTH failed"* | NOPERM* | NOAUTH* | "Could not connect"*) echo "needs a restart: ${reply:-no reply}" ;;
  *)
    echo "the server refuses its users: $reply" >&2
    exit 1
    ;;
esac
