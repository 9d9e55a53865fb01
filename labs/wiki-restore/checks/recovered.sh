# What comes out of an archive is born after the archive, but says that it was last changed before it.
cd /var/lib/dokuwiki/data || exit 1
born_after() { [ "$(stat -c %W "$1")" -ge "$2" ] && [ "$(stat -c %Y "$1")" -lt "$2" ]; }
for copy in /home/vivero/wiki*.tar.gz /root/wiki*.tar.gz; do
    [ -f "$copy" ] && [ -f pages/protocol.txt ] || continue
    made=$(stat -c %Y "$copy")
    [ "$(stat -c %W pages/protocol.txt)" -ge "$made" ] || continue
    count=0
    for version in attic/protocol.*.gz; do
        [ -f "$version" ] && born_after "$version" "$made" && count=$((count + 1))
    done
    [ "$count" -ge 2 ] && exit 0
done
exit 1
