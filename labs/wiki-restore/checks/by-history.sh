awk -F '\t' '$3 == "R" { found = 1 } END { exit !found }' /var/lib/dokuwiki/data/meta/protocol.changes
