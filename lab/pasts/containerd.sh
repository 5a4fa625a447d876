#!/bin/sh
# A host with a containerd.io of somebody's, as a node of Kubernetes has: a stand-in package, whose unit runs.
set -eu
apt-get update -qq
tree=$(mktemp -d)
mkdir -p "$tree/DEBIAN" "$tree/lib/systemd/system"
cat > "$tree/DEBIAN/control" <<'CONTROL'
Package: containerd.io
Version: 1.7.27-1
Architecture: all
Maintainer: nobody <nobody@localhost>
Provides: containerd, runc
Conflicts: containerd, runc
Replaces: containerd, runc
Description: stand-in
CONTROL
cat > "$tree/lib/systemd/system/containerd.service" <<'UNIT'
[Unit]
Description=containerd of somebody's
[Service]
ExecStart=/usr/bin/sleep infinity
[Install]
WantedBy=multi-user.target
UNIT
dpkg-deb --build "$tree" /root/containerd.io.deb >/dev/null
rm -r "$tree"
dpkg --install /root/containerd.io.deb >/dev/null
systemctl daemon-reload
systemctl enable --now --quiet containerd.service
mkdir -p /root/past
systemctl show --property=InvocationID containerd.service > /root/past/containerd
