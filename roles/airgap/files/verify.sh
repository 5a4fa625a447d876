# Verify every file of a bundle against its SHA256SUMS, and print them; the folder is the first argument.
# Whatever is wrong is one line on standard error: what is missing, what is damaged, what is not of the bundle.
set -eu
export LC_ALL=C
if ! reason=$(cat "$1/SHA256SUMS" 2>&1 >/dev/null); then
  echo "$1 is not a whole bundle: SHA256SUMS cannot be read (${reason##*: }). playbooks/bundle.yml writes it last:" \
    "run it again where it was interrupted" >&2
  exit 1
fi
cd "$1"

some() { # kind: names five paths, and counts the others
  awk -v kind="$1" 'NR <= 5 { names = names (NR > 1 ? ", " : "") $0 }
    END { if (NR) print kind ": " names (NR > 5 ? " and " NR - 5 " more" : "") }'
}

listed=$(sed 's/^[^ ]*  //' SHA256SUMS | sort)
found=$(find . -type f ! -name SHA256SUMS ! -name SHA256SUMS.new | sed 's|^\./||' | sort)
status=0
checked=$(sha256sum --check --quiet --strict SHA256SUMS 2>/dev/null) || status=$?
problems=$(
  printf '%s\n' "$checked" | sed -n 's/: FAILED open or read$//p' | some missing
  printf '%s\n' "$checked" | sed -n 's/: FAILED$//p' | some damaged
  { printf '%s\n' "$listed" "$listed" "$found"; } | sort | uniq -u | some 'not of the bundle'
)
[ $status -eq 0 ] || problems=${problems:-malformed: SHA256SUMS}
if [ -n "$problems" ]; then
  echo "$1 is not the bundle that was made: $(printf %s "$problems" | tr '\n' ';' | sed 's/;/; /g'). Copy it again;" \
    "nothing was changed" >&2
  exit 1
fi
cat SHA256SUMS
