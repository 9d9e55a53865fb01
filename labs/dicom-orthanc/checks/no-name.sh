for home in /home/vivero /root; do
    dcmdump -q +P PixelData "$home/anonymous.dcm" 2>/dev/null | grep -q PixelData || continue
    dcmdump -q +L "$home/anonymous.dcm" | grep -qE 'SINTETICA|SYNTH-0001|PRAC-0001' || exit 0
done
exit 1
