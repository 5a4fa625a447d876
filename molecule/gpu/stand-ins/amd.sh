#!/bin/sh
# Stand-in: a machine with one Instinct MI300X, as files, and a repository with the packages that its roles install.
set -eu
root=/srv/amd-stand-in
mkdir -p "$root/proc/sys/kernel" "$root/sys/class/kfd/kfd/topology/nodes/1" "$root/repository"
uname -r > "$root/proc/sys/kernel/osrelease"
for own in dev etc lib usr var; do ln -sfn "/$own" "$root/$own"; done

device=$root/sys/bus/pci/devices/0000:03:00.0
mkdir -p "$device/drm/renderD128"
echo 0x120000 > "$device/class"
echo 0x1002 > "$device/vendor"
echo 0x74a1 > "$device/device"
echo "gfx_target_version 90402" > "$root/sys/class/kfd/kfd/topology/nodes/1/properties"

# Nobody but root and the group may open them; there is no driver behind them, so opening is all that can be done.
getent group render > /dev/null || groupadd --system render
cat > /usr/local/sbin/modprobe <<'MODPROBE'
#!/bin/sh
# Stand-in for modprobe: "loads" amdgpu.
set -eu
[ "$1" = amdgpu ] || { echo "modprobe: FATAL: Module $1 not found (stand-in)" >&2; exit 1; }
mkdir -p /srv/amd-stand-in/sys/module/amdgpu /dev/dri
for node in /dev/kfd /dev/dri/renderD128; do
  [ -e "$node" ] || mknod -m 660 "$node" c 1 3
  chgrp render "$node"
done
MODPROBE
chmod 755 /usr/local/sbin/modprobe

# Debian's firmware package, by name.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/DEBIAN"
printf 'Package: firmware-amd-graphics\nVersion: 20250410-1\nArchitecture: all\nMaintainer: Stand-in <stand-in@example.invalid>\nDescription: %s\n' \
  "stand-in for AMD's firmware, for tests without a GPU" > "$work/DEBIAN/control"
dpkg-deb --root-owner-group --build "$work" "$root/repository/firmware-amd-graphics_20250410-1_all.deb" > /dev/null
(cd "$root/repository" && apt-ftparchive packages . > Packages)
echo "deb [trusted=yes] file:$root/repository ./" > /etc/apt/sources.list.d/amd-stand-in.list
