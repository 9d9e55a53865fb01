tab=$(printf '\t')
for home in /home/vivero /root; do
    fields=$(hl7-show "$home/admission.hl7" 2>/dev/null) || continue
    echo "$fields" | grep -qE "^MSH-9${tab}ADT\^A01(\^|$)" && echo "$fields" | grep -qxF "MSH-12${tab}2.5" &&
        echo "$fields" | grep -qxF "MSH-10${tab}MSG00002" && exit 0
done
exit 1
