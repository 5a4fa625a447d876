# The program that holds the locks of the package manager for a minute begins.
set -eu
rm -f /run/site-upgrade.locked
systemd-run --quiet --collect --unit=site-upgrade /usr/local/sbin/site-upgrade
until [ -e /run/site-upgrade.locked ]; do sleep 0.1; done
