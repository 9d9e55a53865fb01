test -s /var/lib/dokuwiki/data/pages/protocol.txt
