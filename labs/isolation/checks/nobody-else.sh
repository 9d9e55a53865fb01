# Real packets: from the address on the list to another port, and from another address to the port on the list.
passes() { echo exit | timeout 4 nc -w 2 10.30.0.20 "$1" >/dev/null 2>&1; }
if passes 80; then
    echo "10.30.0.10 -> legacy:80"
    exit 1
fi
trap 'ip route del 10.30.0.20/32 dev eth0; ip addr del 10.30.0.77/32 dev eth0' EXIT
ip addr add 10.30.0.77/32 dev eth0
ip route add 10.30.0.20/32 dev eth0 src 10.30.0.77
if passes 8080; then
    echo "10.30.0.77 -> legacy:8080"
    exit 1
fi
