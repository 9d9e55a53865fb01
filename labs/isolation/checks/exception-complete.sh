for home in /home/vivero /root; do
    file=$home/isolation.txt
    [ -f "$file" ] || continue
    grep -qE '^port: *8080 *$' "$file" && grep -qE '^from: *(desk|10[.]30[.]0[.]10) *$' "$file" &&
        grep -qE '^owner: *[^ (]' "$file" && grep -qE '^reason: *[^ (]' "$file" && exit 0
done
exit 1
