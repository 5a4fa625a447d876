# Write the checksums of a bundle's files, in the form that `sha256sum --check` reads; the folder is the first argument.
# SHA256SUMS is written last, so a bundle without it is not whole.
set -eu
cd "$1"
find . -type f ! -name SHA256SUMS ! -name SHA256SUMS.new | LC_ALL=C sort | sed 's|^\./||' | tr '\n' '\0' |
  xargs -0 -r sha256sum >SHA256SUMS.new
if [ ! -s SHA256SUMS.new ]; then
  rm SHA256SUMS.new
  echo "$1 is empty: no host of the inventory gave it anything" >&2
  exit 1
fi
mv SHA256SUMS.new SHA256SUMS
