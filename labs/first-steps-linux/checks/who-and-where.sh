# Whoever works here: the student's account is vivero, a teacher may be root.
for home in /home/vivero /root; do
    grep -qE '^(vivero|root)$' "$home/machine.txt" 2>/dev/null && grep -qxF "$(hostname)" "$home/machine.txt" && exit 0
done
exit 1
