exec runuser -u www-data -- sh -c '
cd /var/lib/dokuwiki/data && test -w pages/protocol.txt || exit 1
for version in attic/protocol.*.gz; do test -r "$version" || exit 1; done'
