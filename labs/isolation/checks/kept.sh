# What a restart would bring, in a network of nobody's, is what is at work now.
now=$(nft -s list ruleset 2>/dev/null)
echo "$now" | grep -q 'hook input .*policy drop' && echo "$now" | grep -q 'hook output .*policy drop' || exit 1
later=$(unshare -n sh -c 'nft -f /etc/nftables.conf && nft -s list ruleset' 2>/dev/null)
[ "$now" = "$later" ]
