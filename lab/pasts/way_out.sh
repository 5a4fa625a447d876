# A host with a forward proxy, squid, for one user, site. It alone knows models.example: the host $1. $2 is the user's password.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends squid
cat >/etc/squid/squid.conf <<'CONFIG'
http_port 3128
auth_param basic program /usr/lib/squid/basic_ncsa_auth /etc/squid/users
acl site proxy_auth REQUIRED
http_access allow site
http_access deny all
cache deny all
access_log stdio:/var/log/squid/access.log
# A container's limit is a billion, and squid takes memory for each.
max_filedescriptors 4096
shutdown_lifetime 1 seconds
CONFIG
printf 'site:%s\n' "$(openssl passwd -apr1 "$2")" >/etc/squid/users
echo "$1 models.example" >>/etc/hosts
systemctl restart squid.service
