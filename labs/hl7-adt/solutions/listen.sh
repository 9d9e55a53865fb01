exec su vivero -c '
cd && { setsid hl7-listen >> hl7.log 2>/dev/null </dev/null & }
for second in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    echo quit | busybox nc -w 1 localhost 2575 >/dev/null 2>&1 && exit 0
    sleep 1
done
exit 1'
