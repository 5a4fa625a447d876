#!/bin/sh
# Find, steer and join the Redis servers of a site that fail over by Sentinel.
#
#   alchemorsel-redis primary        print address and port of the primary, as most Sentinels name it
#   alchemorsel-redis is-primary     exit with 0 where this host's server is the primary, with 1 where another one is
#   alchemorsel-redis status         print the role of each server
#   alchemorsel-redis failover       have Sentinel make another server the primary, and wait for it
#   alchemorsel-redis restart        restart this host's server; a primary hands over first, so that no answer is lost
#   alchemorsel-redis forget         have this host's Sentinel forget servers and Sentinels that are gone
#   alchemorsel-redis check          verify this host's server and its Sentinel
#   alchemorsel-redis join-server    before the server starts: follow the primary that the Sentinels name
#   alchemorsel-redis join-sentinel  before the Sentinel starts: watch that primary
#
# Settings, as /etc/alchemorsel/redis-failover.env has them: OWN_ADDRESS, OWN_PORT, PEERS (an "address port sentinel-port" a line, the
# first primary first), QUORUM, PASSWORD_FILE and CHECK_PASSWORD_FILE, SERVER_STATE and SENTINEL_STATE (files that the servers
# rewrite), TLS (empty without) and CA_FILE (empty: the authorities that the host trusts).
set -eu
export LC_ALL=C
# shellcheck source=/dev/null
. "${ALCHEMORSEL_REDIS_SETTINGS:-/etc/alchemorsel/redis-failover.env}"

NAME=alchemorsel
UNIT=redis-server@alchemorsel.service
CHECK_USER=alchemorsel-check
SENTINEL_USER=alchemorsel-sentinel
REPLY_S=2     # seconds that a server or Sentinel has for a reply
FAILOVER_S=30 # that a failover may take
JOIN_S=10     # that a former primary waits for the others to choose another: they need 3 to notice, and some for the election
SYNC_S=120    # that a replica has to copy the answers
own="$OWN_ADDRESS $OWN_PORT"

fail() {
  printf '%s\n' "alchemorsel-redis: $1" >&2
  exit 1
}

# Seconds of a clock that nobody sets.
now() {
  cut -d . -f 1 /proc/uptime
}

client() { # password file, address, port, further arguments; passwords never reach a command line
  REDISCLI_AUTH=
  read -r REDISCLI_AUTH <"$1" || [ -n "$REDISCLI_AUTH" ] || return 0
  export REDISCLI_AUTH
  address=$2 port=$3
  shift 3
  timeout "$REPLY_S" redis-cli -h "$address" -p "$port" --no-auth-warning ${TLS:+--tls} ${CA_FILE:+--cacert "$CA_FILE"} "$@" \
    2>/dev/null </dev/null | tr -d '\r' || true
}

sentinel() { # address, port, command
  client "$PASSWORD_FILE" "$@"
}

# What a server tells of its replication; nothing where it does not answer.
replication() { # address, port
  client "$CHECK_PASSWORD_FILE" "$1" "$2" --user "$CHECK_USER" INFO replication
}

# Print "address port" of the primary, as most of the Sentinels that answer name it; nothing where none does.
primary() {
  printf '%s\n' "$PEERS" | while read -r peer _ watcher; do
    [ -z "$peer" ] || sentinel "$peer" "$watcher" SENTINEL get-master-addr-by-name "$NAME" | paste -s -d ' ' -
  done | grep -E '^[0-9A-Za-z:.-]+ [0-9]+$' | sort | uniq -c | sort -rn | sed -n '1s/^ *[0-9]* //p'
}

first() {
  printf '%s\n' "$PEERS" | grep . | sed -n '1s/ [0-9]*$//p'
}

# Print the port of the Sentinel beside this host's server.
own_sentinel() {
  printf '%s\n' "$PEERS" | sed -n "s/^$OWN_ADDRESS $OWN_PORT \([0-9]*\)\$/\1/p"
}

wait_until() { # seconds, function
  give_up=$(($(now) + $1))
  until "$2"; do
    [ "$(now)" -lt "$give_up" ] || return 1
    sleep 0.5
  done
}

write_state() { # file, text; as its folder's owner, who rewrites it
  folder=$(dirname "$1")
  draft=$(mktemp "$1.XXXXXX")
  printf '%s\n' "$2" >"$draft"
  chown --reference="$folder" "$draft"
  chmod 0640 "$draft"
  mv "$draft" "$1"
}

# A server without snapshots that comes back as the primary it was is empty, and its replicas would copy that.
join_server() {
  state=$(cat "$SERVER_STATE" 2>/dev/null || true)
  chosen=$(primary)
  if printf '%s\n' "$state" | grep -q '^replicaof '; then
    # Sentinels steer the replicas that they know; one that was away while they were told to forget it is steered by nobody.
    [ -z "$chosen" ] || [ "$chosen" = "$own" ] || write_state "$SERVER_STATE" "$(printf '%s\n' "$state" | sed "s/^replicaof .*/replicaof $chosen/")"
    return
  fi
  if [ -n "$state" ] || [ "$chosen" = "$own" ]; then
    wait_until "$JOIN_S" another_is_primary || step_down
  fi
  [ -n "$chosen" ] || [ -n "$state" ] || chosen=$(first)
  state=${state:-# Written once by alchemorsel-redis, then by the server itself. What the role sets is included after it.}
  [ -z "$chosen" ] || [ "$chosen" = "$own" ] || state=$(printf '%s\n' "$state" "replicaof $chosen")
  write_state "$SERVER_STATE" "$state"
}

# No reply is no other primary: right after the start of a host its network may not be there yet.
another_is_primary() {
  chosen=$(primary)
  [ -n "$chosen" ] && [ "$chosen" != "$own" ]
}

# Have one that holds answers become the primary in place of this host's server, which is down. A cache that is empty is better than
# none: where nobody can be, this one starts as it is.
step_down() {
  others_hold_answers || return 0
  begin_failover && wait_until "$FAILOVER_S" another_is_primary ||
    echo "alchemorsel-redis: no other server became the primary; this one starts empty, and its replicas lose their answers" >&2
}

others_hold_answers() {
  printf '%s\n' "$PEERS" | while read -r peer port _; do
    [ -z "$peer" ] || [ "$peer $port" = "$own" ] || client "$CHECK_PASSWORD_FILE" "$peer" "$port" --user "$CHECK_USER" INFO keyspace
  done | grep -q '^db0:keys='
}

join_sentinel() {
  if [ -e "$SENTINEL_STATE" ]; then
    state=$(sed "s/^\(sentinel monitor $NAME [^ ]* [0-9]*\) .*/\1 $QUORUM/" "$SENTINEL_STATE")
  else
    chosen=$(primary)
    state="sentinel monitor $NAME ${chosen:-$(first)} $QUORUM"
  fi
  write_state "$SENTINEL_STATE" "$state"
}

# Have a Sentinel make another server the primary, whatever the other Sentinels say.
begin_failover() {
  printf '%s\n' "$PEERS" | while read -r peer _ watcher; do
    case $([ -z "$peer" ] || sentinel "$peer" "$watcher" SENTINEL failover "$NAME") in OK | *INPROG*) ;; *) continue ;; esac
    echo begun
    break # a second one would begin another
  done | grep -q begun
}

# Have another server become the primary, in place of the one in $former.
hand_over() {
  begin_failover || fail "no Sentinel begins a failover: $(print_status | paste -s -d ';' -)"
  wait_until "$FAILOVER_S" is_handed_over || fail "no other server became the primary within $FAILOVER_S s"
}

# Sentinel tells a former primary after 8 s; what it is told to store until then would be lost.
# shellcheck disable=SC2086 # address and port
is_handed_over() {
  chosen=$(primary)
  [ -n "$chosen" ] && [ "$chosen" != "$former" ] || return 1
  if replication $former | grep -q '^role:slave'; then
    client "$PASSWORD_FILE" $former --user "$SENTINEL_USER" CONFIG REWRITE >/dev/null
    return 0
  fi
  client "$PASSWORD_FILE" $former --user "$SENTINEL_USER" REPLICAOF $chosen >/dev/null
  return 1
}

is_synced() {
  replication "$OWN_ADDRESS" "$OWN_PORT" | grep -qE '^(role:master|master_link_status:up)'
}

restart() {
  former=$own
  if systemctl --quiet is-active "$UNIT" && [ "$(primary)" = "$own" ] && replication "$OWN_ADDRESS" "$OWN_PORT" | grep -q '^slave0:.*state=online'; then
    hand_over
  fi
  systemctl restart "$UNIT"
  wait_until "$SYNC_S" is_synced || fail "$UNIT has no connection to the primary ($(primary)) within $SYNC_S s"
}

print_status() {
  printf '%s\n' "$PEERS" | while read -r peer port _; do
    [ -n "$peer" ] || continue
    told=$(replication "$peer" "$port")
    case $told in
      *role:master*) role="primary, $(printf '%s\n' "$told" | grep -c '^slave[0-9]*:.*state=online' || true) replicas online" ;;
      *master_link_status:up*) role="replica" ;;
      *role:slave*) role="replica without a connection to the primary" ;;
      *) role="no reply" ;;
    esac
    echo "$peer port $port: $role"
  done
}

check() {
  wait_until "$SYNC_S" is_synced || fail "the server of this host neither is the primary nor copies it: $(print_status | paste -s -d ';' -)"
  wait_until "$FAILOVER_S" has_quorum ||
    fail "Sentinel: ${reply:-no reply}; it knows ${known:-no} other Sentinels, and there are $others. Start those that are down; \
of hosts that are gone: alchemorsel-redis forget"
  wait_until "$FAILOVER_S" follows_primary ||
    fail "the Sentinels name ${chosen:-no server} as the primary, and this host's server is ${source:-silent}. Restart it: alchemorsel-redis restart"
  wait_until "$FAILOVER_S" knows_replicas ||
    fail "Sentinel knows ${known:-no} replicas, and there are $others: a failover leaves those behind that it does not know. \
Which one: alchemorsel-redis check, on each host; of hosts that are gone: alchemorsel-redis forget"
  print_status
}

has_quorum() {
  others=$(($(printf '%s\n' "$PEERS" | grep -c .) - 1))
  reply=$(sentinel "$OWN_ADDRESS" "$(own_sentinel)" SENTINEL ckquorum "$NAME")
  known=$(known num-other-sentinels)
  case $reply in OK*) [ "$known" = "$others" ] ;; *) false ;; esac
}

# A replica of a replica has a connection as well, and goes wherever that one goes.
follows_primary() {
  chosen=$(primary)
  source=$(replication "$OWN_ADDRESS" "$OWN_PORT" | sed -n 's/^role:master$/a primary/p; s/^master_host:/a copy of /p; s/^master_port://p' | paste -s -d ' ' -)
  case $source in "a primary") [ "$chosen" = "$own" ] ;; *) [ "$source" = "a copy of $chosen" ] ;; esac
}

# The primary is asked every 10 s.
knows_replicas() {
  known=$(known num-slaves)
  [ "$known" = "$others" ]
}

known() { # field; as this host's Sentinel tells it
  sentinel "$OWN_ADDRESS" "$(own_sentinel)" SENTINEL master "$NAME" | sed -n "/^$1\$/{n;p;}"
}

case ${1-} in
  primary)
    chosen=$(primary)
    [ -n "$chosen" ] || fail "no Sentinel answers"
    echo "$chosen"
    ;;
  is-primary) replication "$OWN_ADDRESS" "$OWN_PORT" | grep -q '^role:master' ;;
  status) print_status ;;
  failover)
    former=$(primary)
    [ -n "$former" ] || fail "no Sentinel answers"
    hand_over
    primary
    ;;
  restart) restart ;;
  forget) sentinel "$OWN_ADDRESS" "$(own_sentinel)" SENTINEL reset "$NAME" ;;
  check) check ;;
  join-server) join_server ;;
  join-sentinel) join_sentinel ;;
  *) fail "one of primary, is-primary, status, failover, restart, forget, check" ;;
esac
