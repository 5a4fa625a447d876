# Prints `older` where no initramfs has been built since the file was written: of a play that was killed before its handler.
# Usage: sh -s FILE [FOLDER], with this on standard input.
file=$1
folder=${2:-/boot}
[ -e "$file" ] && ls "$folder"/initrd.img-* >/dev/null 2>&1 || exit 0
[ -n "$(find "$folder" -maxdepth 1 -name 'initrd.img-*' -newer "$file")" ] || echo older
