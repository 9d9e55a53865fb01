page=/var/lib/dokuwiki/data/pages/protocol.txt
grep -qE '^ *={6}[^=]+={6}' "$page" || exit 1
[ "$(grep -cE '^ *={5}[^=]+={5}' "$page")" -ge 2 ]
