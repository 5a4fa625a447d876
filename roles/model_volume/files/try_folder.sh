# Look at a folder, and write in it as its owner: a file is written, synced and removed by a process with the owner's
# rights and no others, which fails where a parent folder is closed to it.
#
# Arguments: the folder, its owner and group (names or numbers), its mode (octal), and "look" to write nothing or "ready"
# to write only where owner, group and mode are as wanted. Prints "settled" where they are, and "written".
set -eu
path=$1 owner=$2 group=$3 mode=$4 how=${5:-}
settled=

one_of() { # number and name, what is wanted
  case " $1 " in *" $2 "*) ;; *) return 1 ;; esac
}

if [ -d "$path" ] && one_of "$(stat -Lc '%u %U' "$path")" "$owner" && one_of "$(stat -Lc '%g %G' "$path")" "$group" &&
  [ "$(stat -Lc %a "$path")" = "${mode#0}" ]; then
  settled=yes
fi
[ -z "$settled" ] || echo settled
[ "$how" != look ] || exit 0
[ -n "$settled" ] || [ "$how" != ready ] || exit 0
trial='
  file=$(mktemp "$1/.write-test.XXXXXX")
  trap "rm -f \"$file\"" EXIT
  head -c 1048576 /dev/zero > "$file"
  sync "$file"
  test "$(stat -c %s "$file")" = 1048576
'
if ! reason=$(timeout 60 setpriv --reuid="$owner" --regid="$group" --clear-groups sh -euc "$trial" sh "$path" 2>&1); then
  echo "$owner:$group cannot write to $path: $reason" >&2
  exit 1
fi
echo written
