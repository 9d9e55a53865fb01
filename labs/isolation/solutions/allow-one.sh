cat > /etc/nftables.conf <<'END'
flush ruleset
table inet isolation {
    chain in {
        type filter hook input priority 0; policy drop;
        iif lo accept
        ct state established accept
        ip saddr 10.30.0.10 tcp dport 8080 accept
        limit rate 10/minute log prefix "isolation-in "
        counter
    }
    chain out {
        type filter hook output priority 0; policy drop;
        oif lo accept
        ct state established accept
        limit rate 10/minute log prefix "isolation-out "
        counter
    }
}
END
nft -f /etc/nftables.conf
