#!/bin/sh
# Makes the container what systemd expects of a machine, then becomes systemd.
set -eu
# Mounts are shared on a machine: credentials reach a service by a mount. Docker makes them private.
mount --make-rshared /
# With cgroup v2 Docker mounts the host's own tree read-only; systemd has to write there.
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  mount -o remount,rw /sys/fs/cgroup
fi
exec /sbin/init
