#!/bin/sh
# Have the Swarm start the tasks of a node that came back and was given none.
#
# A node that is back before its network is (https://github.com/moby/moby/issues/34864) fails its tasks; where the leader changed
# meanwhile, nobody starts them again, though the node is ready. Each update of a node, also one that changes nothing, has the leader
# look again. Every node serves the edge, so one without a task of it is such a node. Does nothing on other nodes than the leader.
#
#   alchemorsel-stack-tasks SERVICE
set -eu
export LC_ALL=C
service=$1

[ "$(docker node inspect self --format '{{with .ManagerStatus}}{{.Leader}}{{end}}' 2>/dev/null)" = true ] || exit 0
served=$(docker service ps --no-trunc --no-resolve --filter desired-state=running --filter desired-state=ready --format '{{.Node}}' "$service" 2>/dev/null) || exit 0
docker node ls --format '{{.ID}} {{.Status}} {{.Availability}} {{.Hostname}}' | while read -r node status availability name; do
  [ "$status $availability" = "Ready Active" ] || continue
  printf '%s\n' "$served" | grep -qx "$node" && continue
  echo "$name is ready and has no task of $service: the Swarm looks at it again"
  docker node update --availability active "$node" >/dev/null
done
