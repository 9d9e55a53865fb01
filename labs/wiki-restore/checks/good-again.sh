page=/var/lib/dokuwiki/data/pages/protocol.txt
grep -qw 4711 "$page" 2>/dev/null && grep -qE '^ *={5,6}[^=]+={5,6}' "$page"
