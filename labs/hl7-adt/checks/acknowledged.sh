tab=$(printf '\t')
for home in /home/vivero /root; do
    fields=$(hl7-show "$home/ack.hl7" 2>/dev/null) || continue
    echo "$fields" | grep -qxF "MSA-1${tab}AA" && echo "$fields" | grep -qxF "MSA-2${tab}MSG00002" && exit 0
    echo "$fields" | grep '^MSA-' | cut -f 2 | tr '\n' ' ' # the answer as it is, for the student
done
exit 1
