#!/bin/sh
# A host with a Docker Engine of somebody's that is a member of a Swarm.
set -eu
export DEBIAN_FRONTEND=noninteractive
client=
if apt-cache show docker-cli >/dev/null 2>&1; then client=docker-cli; fi
apt-get install -qq --no-install-recommends apparmor docker.io $client >/dev/null
docker swarm init --advertise-addr 127.0.0.1 >/dev/null
