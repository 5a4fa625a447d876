#!/bin/sh
# Stand-in: a machine with two H100 and an NVSwitch, as files. Everything but its PCI tree and /proc is the host's own.
set -eu
root=/srv/gpu-stand-in
mkdir -p "$root/proc/sys/kernel"
uname -r > "$root/proc/sys/kernel/osrelease"
for own in dev etc lib usr var; do ln -sfn "/$own" "$root/$own"; done

# device ADDRESS CLASS DEVICE: a device of NVIDIA
device() {
  folder="$root/sys/bus/pci/devices/$1"
  mkdir -p "$folder"
  echo "0x$2" > "$folder/class"
  echo 0x10de > "$folder/vendor"
  echo "0x$3" > "$folder/device"
}
device 0000:1b:00.0 030200 2330
device 0000:2c:00.0 030200 2330
device 0000:3d:00.0 068000 22a3
