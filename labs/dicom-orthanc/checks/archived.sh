for home in /home/vivero /root; do
    uid=$(dcmdump -q +P StudyInstanceUID "$home/image.dcm" 2>/dev/null | sed -n 's/^.*\[\([0-9.]*\)\].*$/\1/p')
    day=$(dcmdump -q +P StudyDate "$home/image.dcm" 2>/dev/null | sed -n 's/^.*\[\([0-9]*\)\].*$/\1/p')
    [ -n "$uid" ] && [ -n "$day" ] || continue
    asked='{"Level":"Study","Query":{"StudyInstanceUID":"'$uid'","StudyDate":"'$day'","AccessionNumber":"PRAC-0001","PatientID":"SYNTH-0001"}}'
    curl -s -m 5 -d "$asked" http://127.0.0.1:8042/tools/find | grep -q '[0-9a-f]-[0-9a-f]' && exit 0
done
exit 1
