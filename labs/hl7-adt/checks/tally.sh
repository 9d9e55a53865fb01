for home in /home/vivero /root; do
    [ -s "$home/hl7.log" ] && [ -s "$home/tally.txt" ] || continue
    counted=$(cut -d ' ' -f 5 "$home/hl7.log" | sort | uniq -c | tr -s ' ')
    [ "$counted" = "$(tr -s ' ' <"$home/tally.txt")" ] && exit 0
done
exit 1
