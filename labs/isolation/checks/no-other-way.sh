grep -q 'dport 2575' /etc/nftables.conf || exit 1
for to in "10.30.0.10 80" "10.30.0.254 53"; do
    begun=$(date +%s)
    echo | timeout 6 nc -w 5 $to >/dev/null 2>&1
    [ $(($(date +%s) - begun)) -ge 4 ] || { echo "legacy -> $to"; exit 1; }
done
