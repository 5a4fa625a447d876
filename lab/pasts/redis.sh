# A host of somebody who runs the stock Redis: a password, AOF, another folder, and data.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends redis-server redis-tools
install -d -o redis -g redis -m 0750 /var/lib/redis/site
sed -i 's|^dir .*|dir /var/lib/redis/site|; s|^appendonly .*|appendonly yes|' /etc/redis/redis.conf
echo 'requirepass the-password-of-the-site' >>/etc/redis/redis.conf
systemctl enable redis-server.service
systemctl restart redis-server.service
REDISCLI_AUTH=the-password-of-the-site redis-cli set site:key kept
systemctl show --property=MainPID --value redis-server.service >/root/past.pid
