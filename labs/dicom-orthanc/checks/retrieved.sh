for image in /home/vivero/copy/* /root/copy/*; do
    dcmdump -q +P PatientID "$image" 2>/dev/null | grep -qF '[SYNTH-0001]' && exit 0
done
exit 1
