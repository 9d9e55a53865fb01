# What comes out of an archive is born after the archive, but says that it was last changed before it.
cd /var/lib/dokuwiki/data || exit 1
for copy in /home/vivero/wiki*.tar.gz /root/wiki*.tar.gz; do
    made=$(stat -c %.3Y "$copy" 2>/dev/null) || continue
    stat -c '%.3W %.3Y %n' pages/protocol.txt attic/protocol.*.gz 2>/dev/null | awk -v made="$made" '
        $1 > made && $3 ~ /^pages/ { page = 1 }
        $1 > made && $2 < made && $3 ~ /^attic/ { versions++ }
        END { exit !(page && versions >= 2) }' && exit 0
done
exit 1
