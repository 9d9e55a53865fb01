for archive in /home/vivero/backups/*20[0-9][0-9]-[01][0-9]-[0-3][0-9]*.tar.gz /root/backups/*20[0-9][0-9]-[01][0-9]-[0-3][0-9]*.tar.gz; do
    tar -tzf "$archive" 2>/dev/null | grep -q 'notes/today.txt$' && exit 0
done
exit 1
