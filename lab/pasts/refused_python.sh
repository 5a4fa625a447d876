# A host without Python.
set -eu
dpkg --purge --force-depends $(dpkg-query --show --showformat '${Package}\n' | grep -E '^(lib)?python3') || true
! command -v python3
