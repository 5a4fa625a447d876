# A host whose dpkg was interrupted and whose Docker Engine would have no room.
set -eu
touch /var/lib/dpkg/updates/0000
mkdir -p /var/lib/docker
mount -t tmpfs -o size=120m site /var/lib/docker
