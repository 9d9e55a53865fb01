for home in /home/vivero /root; do
    [ -s "$home/hl7.log" ] && [ -s "$home/refused.txt" ] || continue
    [ "$(grep -v ' AA$' "$home/hl7.log")" = "$(cat "$home/refused.txt")" ] && exit 0
done
exit 1
