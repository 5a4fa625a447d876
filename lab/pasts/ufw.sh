# A host of somebody who closed it with ufw, but for SSH and the page of web.sh. Callers of other ports are refused.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends ufw
ufw default reject incoming
ufw allow 22/tcp
ufw allow 8080/tcp
ufw --force enable
