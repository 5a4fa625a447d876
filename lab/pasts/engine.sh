#!/bin/sh
# A host with a Docker Engine of somebody's, with settings of theirs and without live-restore.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
client=
if apt-cache show docker-cli >/dev/null 2>&1; then client=docker-cli; fi
apt-get install -qq --no-install-recommends apparmor docker.io $client >/dev/null
mkdir -p /etc/docker
printf '{"labels": ["owner=theirs"], "log-level": "warn", "log-opts": {"max-size": "7m"}}\n' > /etc/docker/daemon.json
systemctl restart docker.service
mkdir -p /root/past
cp /etc/docker/daemon.json /root/past/daemon.json
