# A host of a site that lets nothing out but by the proxy on the host $1, port 3128: no other connection, no resolver.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends nftables
# What the preparation itself has fetched says nothing.
apt-get clean
rm -rf /var/lib/apt/lists/*
mkdir -p /root/past
cat >/etc/nftables.conf <<RULES
#!/usr/sbin/nft -f
table inet site_egress {
  chain output {
    type filter hook output priority filter; policy accept;
    ct state established,related accept
    ip daddr 127.0.0.11 counter reject comment "the lab's resolver"
    oifname "eth0" ip daddr != $1 counter reject
    oifname "eth0" tcp dport != 3128 counter reject
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    ct state established,related accept
    oifname "eth0" ip daddr != $1 counter reject
    oifname "eth0" tcp dport != 3128 counter reject
  }
}
RULES
systemctl enable --now nftables.service
nft list table inet site_egress
