sed -i '/hook output/a ip daddr 10.30.0.10 tcp dport 2575 accept' /etc/nftables.conf
nft -f /etc/nftables.conf
su vivero -c 'for try in 1 2 3; do echo "result 1: normal" | nc -w 3 10.30.0.10 2575 && break; sleep 1; done'
