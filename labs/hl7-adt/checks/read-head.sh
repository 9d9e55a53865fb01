# Whoever works here: the student's account is vivero, a teacher may be root.
for home in /home/vivero /root; do
    grep -qE '^type: *ADT\^A01(\^ADT_A01)? *$' "$home/answers.txt" 2>/dev/null && grep -qE '^id: *MSG00001 *$' "$home/answers.txt" && exit 0
done
exit 1
