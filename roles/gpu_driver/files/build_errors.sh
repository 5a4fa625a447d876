# Print why DKMS could not build a GPU's module: the newest log, its first errors, its last lines, each cut to 200
# characters, since a compiler's command line is longer than a screen. Prints nothing where there is no log.
# DKMS's folder is the first argument.
set -eu
export LC_ALL=C
log=$(find "$1"/nvidia* "$1"/amdgpu* -name make.log -printf '%T@ %p\n' 2>/dev/null | sort -rn | sed -n '1s/^[^ ]* //p')
[ -n "$log" ] || exit 0
echo "$log says:"
{
  grep -aE '(^|[^[:alnum:]_])error: |^make(\[[0-9]+\])?: \*\*\* ' "$log" | head -n 8
  grep -av '^[[:space:]]*$' "$log" | tail -n 6
} | cut -c -200 | sed 's/^/  /'
