# A host of somebody who serves a page on port 8080.
set -eu
cat >/etc/systemd/system/past-web.service <<'UNIT'
[Service]
ExecStart=/usr/bin/python3 -m http.server 8080
[Install]
WantedBy=multi-user.target
UNIT
systemctl enable --now past-web.service
