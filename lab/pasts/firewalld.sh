# A host of somebody who has firewalld with its default zone, where SSH is open, and opened the page of web.sh.
set -eu
export DEBIAN_FRONTEND=noninteractive
# A host of the lab resolves names by packet rules of its container's engine, which firewalld flushes: keep the addresses that apt needs.
for name in $(grep -rhoE 'https?://[^/ ]+' /etc/apt/sources.list* | sed 's#.*//##; s/:.*//' | sort -u); do
  getent ahostsv4 "$name" | sed -n "1s/ .*/ $name/p" >>/etc/hosts
done
apt-get update -q
apt-get install -q -y --no-install-recommends firewalld
systemctl enable --now firewalld
firewall-cmd --permanent --add-port=8080/tcp
firewall-cmd --reload
