for home in /home/vivero /root; do
    uid=$(dcmdump -q +P StudyInstanceUID "$home/image.dcm" 2>/dev/null | sed -n 's/^.*\[\([0-9.]*\)\].*$/\1/p')
    [ -n "$uid" ] && grep -q 'Find Response' "$home/found.txt" 2>/dev/null || continue
    grep -qF "[$uid" "$home/found.txt" && grep -qE 'DA \[20[0-9]{6}\]' "$home/found.txt" && exit 0
done
exit 1
