for home in /home/vivero /root; do
    uids=$(dcmdump -q +P StudyInstanceUID +P SeriesInstanceUID +P SOPInstanceUID "$home"/copy/* 2>/dev/null | sed -n 's/^.*\[\([0-9.]*\)\].*$/\1/p')
    [ -n "$uids" ] && dcmdump -q +P PixelData "$home/anonymous.dcm" 2>/dev/null | grep -q PixelData || continue
    dcmdump -q "$home/anonymous.dcm" | grep -qF "$uids" || exit 0
done
exit 1
