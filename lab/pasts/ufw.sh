# A host of somebody who closed it with ufw, and serves a page on port 8080. Callers of other ports are refused.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends ufw
cat >/etc/systemd/system/past-web.service <<'UNIT'
[Service]
ExecStart=/usr/bin/python3 -m http.server 8080
[Install]
WantedBy=multi-user.target
UNIT
systemctl enable --now past-web.service
ufw default reject incoming
ufw allow 22/tcp
ufw allow 8080/tcp
ufw --force enable
