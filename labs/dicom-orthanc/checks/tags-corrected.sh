for home in /home/vivero /root; do
    tags=$(dcmdump -q +P StudyDate +P AccessionNumber "$home/image.dcm" 2>/dev/null) || continue
    echo "$tags" | grep -qE ' DA \[20[0-9]{6}\]' && echo "$tags" | grep -qF '[PRAC-0001]' && exit 0
done
exit 1
