exec su vivero -c '
cd && : > open.txt
for port in 22 80 443 2323 8080; do
    echo exit | nc -w 2 legacy $port >/dev/null 2>&1 && echo $port >> open.txt
done
true'
