#!/bin/sh
# Makes an apt repository in the place of Docker's: the distribution's engine under the names of Docker's packages, in
# two versions, signed. A stand-in: names, pins, holds and keys are tried with it, not Docker's own builds.
# Usage: sh stand_in.sh FOLDER SUITE
set -eu
folder=$1 suite=$2
export DEBIAN_FRONTEND=noninteractive GNUPGHOME="$folder/gnupg"
mkdir -p "$folder/work" "$folder/pool" "$folder/dists/$suite/stable/binary-$(dpkg --print-architecture)"
mkdir -p -m 700 "$GNUPGHOME"
apt-get update -qq
apt-get install -qq --no-install-recommends apt-utils gnupg >/dev/null
cd "$folder/work"

# pack NAME SOURCE VERSION: a package of the distribution under another name
pack() {
  rm -rf tree && mkdir tree
  apt-get download -qq "$2"
  dpkg-deb --raw-extract "$2"_*.deb tree
  rm -f -- *.deb
  sed -i -e "s/^Package: .*/Package: $1/" -e "s/^Version: .*/Version: $3/" -e '/^Provides:/d' -e '/^Breaks:/d' \
    -e '/^Replaces:/d' -e '/^Conflicts:/d' -e 's/docker-cli ([^)]*)/docker-ce-cli/' -e 's/containerd ([^)]*)/containerd.io/' tree/DEBIAN/control
  printf 'Conflicts: %s\nReplaces: %s\n' "$2" "$2" >> tree/DEBIAN/control
  dpkg-deb -Znone --build tree "$folder/pool/$1_$3.deb" >/dev/null
}

client=docker.io # Debian 12 has the client in the engine's package
if apt-cache show docker-cli >/dev/null 2>&1; then client=docker-cli; fi
pack containerd.io containerd 1.7.27-1
for version in 27.0.1-1 27.0.2-1; do
  pack docker-ce docker.io "5:$version"
  if [ "$client" = docker-cli ]; then
    pack docker-ce-cli docker-cli "5:$version"
  else
    rm -rf tree && mkdir -p tree/DEBIAN
    printf 'Package: docker-ce-cli\nVersion: 5:%s\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: stand-in\n' \
      "$version" > tree/DEBIAN/control
    dpkg-deb -Znone --build tree "$folder/pool/docker-ce-cli_5:$version.deb" >/dev/null
  fi
done

cd "$folder"
apt-ftparchive packages pool > "dists/$suite/stable/binary-$(dpkg --print-architecture)/Packages"
apt-ftparchive -o APT::FTPArchive::Release::Suite="$suite" -o APT::FTPArchive::Release::Components=stable release "dists/$suite" > Release
mv Release "dists/$suite/Release"
gpg --batch --quiet --passphrase '' --quick-generate-key stand-in@localhost ed25519 sign never
gpg --batch --quiet --clearsign --output "dists/$suite/InRelease" "dists/$suite/Release"
gpg --armor --export stand-in@localhost > key.asc
rm -rf work
chmod -R a+rX . && chmod 700 gnupg
