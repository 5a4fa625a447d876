# A host of somebody who closed it with a table of nftables, and serves a page on port 8080.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends nftables
cat >/etc/systemd/system/past-web.service <<'UNIT'
[Service]
ExecStart=/usr/bin/python3 -m http.server 8080
[Install]
WantedBy=multi-user.target
UNIT
systemctl enable --now past-web.service
cat >/etc/nftables.conf <<'RULES'
#!/usr/sbin/nft -f
flush ruleset
table inet site {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iifname "lo" accept
    meta l4proto { icmp, ipv6-icmp } accept
    tcp dport { 22, 8080 } accept comment "what the site serves"
  }
}
RULES
systemctl enable --now nftables.service
