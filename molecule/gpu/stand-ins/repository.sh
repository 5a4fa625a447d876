#!/bin/sh
# Stand-in: the apt repositories of NVIDIA's driver and container toolkit, in one folder. Packages of the same names and
# dependencies, holding the stand-ins of this folder; signed with a key that is made here.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
repository=/srv/gpu-stand-in/repository
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$repository"

# package NAME VERSION DEPENDS: builds what lies in $work/NAME
package() {
  mkdir -p "$work/$1/DEBIAN"
  {
    echo "Package: $1"
    echo "Version: $2"
    echo "Architecture: all"
    echo "Maintainer: Stand-in <stand-in@example.invalid>"
    [ -z "$3" ] || echo "Depends: $3"
    echo "Description: stand-in for a package of NVIDIA, for tests without a GPU"
  } > "$work/$1/DEBIAN/control"
  dpkg-deb --root-owner-group --build "$work/$1" "$repository/$1_$2_all.deb" > /dev/null
  rm -rf "${work:?}/$1"
}

# program PACKAGE FILE DESTINATION
program() {
  install -D -m 755 "$here/$2" "$work/$1/$3"
}

# unit PACKAGE NAME COMMAND TYPE
unit() {
  mkdir -p "$work/$1/usr/lib/systemd/system"
  printf '[Unit]\nDescription=Stand-in of %s\n[Service]\nType=%s\nExecStart=%s\n[Install]\nWantedBy=multi-user.target\n' \
    "$2" "$4" "$3" > "$work/$1/usr/lib/systemd/system/$2.service"
  mkdir -p "$work/$1/DEBIAN"
  printf '#!/bin/sh\n[ "$1" != remove ] || systemctl disable --now %s.service\n' "$2" > "$work/$1/DEBIAN/prerm"
  chmod 755 "$work/$1/DEBIAN/prerm"
}

# driver VERSION: the packages of one driver
driver() {
  mkdir -p "$work/nvidia-kernel-open-dkms/usr/share/nvidia-stand-in" "$work/nvidia-kernel-open-dkms/DEBIAN"
  program nvidia-kernel-open-dkms modprobe usr/local/sbin/modprobe
  program nvidia-kernel-open-dkms modinfo usr/local/sbin/modinfo
  install -m 755 "$here/postinst" "$work/nvidia-kernel-open-dkms/DEBIAN/postinst"
  install -m 755 "$here/postrm" "$work/nvidia-kernel-open-dkms/DEBIAN/postrm"
  package nvidia-kernel-open-dkms "$1-1" ""
  mkdir -p "$work/nvidia-driver-cuda/usr/share/nvidia-stand-in" "$work/nvidia-driver-cuda/DEBIAN"
  echo "$1" > "$work/nvidia-driver-cuda/usr/share/nvidia-stand-in/version"
  program nvidia-driver-cuda nvidia-smi usr/bin/nvidia-smi
  # What any package with a library does, and what the specification of containers follows.
  printf '#!/bin/sh\nldconfig\n' > "$work/nvidia-driver-cuda/DEBIAN/postinst"
  chmod 755 "$work/nvidia-driver-cuda/DEBIAN/postinst"
  package nvidia-driver-cuda "$1-1" "nvidia-kernel-open-dkms (= $1-1)"
  program nvidia-persistenced daemon usr/bin/nvidia-persistenced
  unit nvidia-persistenced nvidia-persistenced /usr/bin/nvidia-persistenced forking
  package nvidia-persistenced "$1-1" ""
  package nvidia-modprobe "$1-1" ""
  program nvidia-fabricmanager daemon usr/bin/nv-fabricmanager
  unit nvidia-fabricmanager nvidia-fabricmanager /usr/bin/nv-fabricmanager forking
  package nvidia-fabricmanager "$1-1" ""
}

# toolkit VERSION
toolkit() {
  program nvidia-container-toolkit-base nvidia-ctk usr/bin/nvidia-ctk
  package nvidia-container-toolkit-base "$1-1" ""
  package libnvidia-container1 "$1-1" ""
  package libnvidia-container-tools "$1-1" "libnvidia-container1 (>= $1-1)"
  package nvidia-container-toolkit "$1-1" "nvidia-container-toolkit-base (= $1-1), libnvidia-container-tools (>= $1-1)"
}

# exporter VERSION: like NVIDIA's, it listens everywhere until it is told where
exporter() {
  program datacenter-gpu-manager-exporter dcgm-exporter usr/bin/dcgm-exporter
  mkdir -p "$work/datacenter-gpu-manager-exporter/etc/dcgm-exporter"
  echo 'DCGM_FI_DEV_GPU_TEMP, gauge, GPU temperature (in C).' \
    > "$work/datacenter-gpu-manager-exporter/etc/dcgm-exporter/default-counters.csv"
  unit datacenter-gpu-manager-exporter nvidia-dcgm-exporter /usr/bin/dcgm-exporter simple
  package datacenter-gpu-manager-exporter "$1-1" ""
}

# 580.95.05 comes later (index.sh later), 590.48.01 is what a branch pin must not take, 585.1.1 does not build.
for version in 580.65.06 580.95.05 585.1.1 590.48.01; do driver "$version"; done
mkdir -p "$repository-later"
mv "$repository"/*_580.95.05-1_all.deb "$repository-later/"
toolkit 1.17.7
toolkit 1.17.8
exporter 4.8.3
mkdir -p "$work/linux-headers-$(uname -r)/usr/src/linux-headers-$(uname -r)"
package "linux-headers-$(uname -r)" 1-1 ""

export GNUPGHOME="$repository/../key"
mkdir -p -m 700 "$GNUPGHOME"
gpg --batch --quiet --passphrase '' --quick-generate-key 'Stand-in repository' ed25519 sign 1d
gpg --batch --quiet --armor --export > "$repository/key.asc"
sh "$here/index.sh"
