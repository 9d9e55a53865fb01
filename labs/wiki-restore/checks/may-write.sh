data=/var/lib/dokuwiki/data
runuser -u www-data -- test -w $data/pages/protocol.txt || exit 1
for version in $data/attic/protocol.*.gz; do
    runuser -u www-data -- test -r "$version" || exit 1
done
