# A host of somebody who has firewalld with its default zone, where SSH is open, and opened the page of web.sh.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends firewalld
systemctl enable --now firewalld
firewall-cmd --permanent --add-port=8080/tcp
firewall-cmd --reload
