#!/bin/sh
# Stand-in: makes the signed index of the repository's packages; `later` brings in the packages of the next version.
set -eu
cd /srv/gpu-stand-in/repository
[ "${1:-}" != later ] || mv ../repository-later/*.deb .
rm -f Release InRelease
apt-ftparchive packages . > Packages
apt-ftparchive release . > Release.new && mv Release.new Release
GNUPGHOME=/srv/gpu-stand-in/key gpg --batch --quiet --clearsign --output InRelease Release
