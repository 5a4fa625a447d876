# A host with a forward proxy for one user, site. It alone knows models.example: the host $1. $2 is the user's password.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends tinyproxy
cat >/etc/tinyproxy/tinyproxy.conf <<CONFIG
User tinyproxy
Group tinyproxy
Port 3128
Timeout 600
LogFile "/var/log/tinyproxy/tinyproxy.log"
LogLevel Connect
PidFile "/run/tinyproxy/tinyproxy.pid"
MaxClients 100
BasicAuth site $2
CONFIG
echo "$1 models.example" >>/etc/hosts
systemctl restart tinyproxy.service
