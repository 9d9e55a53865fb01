for home in /home/vivero /root; do
    uid=$(dcmdump -q +P StudyInstanceUID "$home/image.dcm" 2>/dev/null | sed -n 's/^.*\[\([0-9.]*\)\].*$/\1/p')
    [ -n "$uid" ] && grep -qF "$uid" "$home/uid.txt" 2>/dev/null && exit 0
done
exit 1
