# A German host without package lists and without python3-apt, on which another program holds the locks of the package manager for a minute.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet
apt-get install --quiet --yes --no-install-recommends locales
localedef --inputfile de_DE --charmap UTF-8 de_DE.UTF-8
# Read by PAM for every session, those of SSH too.
printf 'LANG=de_DE.UTF-8\nLANGUAGE=de_DE:de\n' | tee /etc/default/locale >>/etc/environment

# Fresh by apt's stamp, and yet empty.
rm -rf /var/lib/apt/lists/*
mkdir -p /var/lib/apt/periodic
touch /var/lib/apt/periodic/update-success-stamp

cat >/usr/local/sbin/site-upgrade <<'PROGRAM'
#!/usr/bin/python3
import fcntl
import time

names = ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/lib/apt/lists/lock", "/var/cache/apt/archives/lock")
files = [open(name, "a") for name in names]
for file in files:
    fcntl.lockf(file, fcntl.LOCK_EX)
open("/run/site-upgrade.locked", "w").close()
time.sleep(60)
PROGRAM
chmod 0755 /usr/local/sbin/site-upgrade
mkdir -p /var/lib/apt/lists/partial
