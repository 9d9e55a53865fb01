grep -qw 4711 /var/lib/dokuwiki/data/pages/protocol.txt 2>/dev/null
