for home in /home/vivero /root; do
    tags=$(dcmdump -q +P PatientName +P PatientID "$home/image.dcm" 2>/dev/null) || continue
    case "$tags" in *'[PRUEBA^SINTETICA]'*'[SYNTH-0001]'*) exit 0 ;; esac
    echo "$tags" | sed -n 's/^.*\[\(.*\)\].*$/\1/p' | tr '\n' ' ' # how it is now, for the student
done
exit 1
