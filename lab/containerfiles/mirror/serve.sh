#!/bin/bash
# Runs the registry and nginx in front of it; ends when either ends, so that the container's state tells the truth.
set -eu
docker-registry serve /etc/mirror/registry.yml &
nginx -c /etc/mirror/nginx.conf &
trap 'kill $(jobs -p) 2>/dev/null' TERM INT
wait -n
