# One line a change: date, address, kind (C created, E edited, R brought back), page, account, summary.
awk -F '\t' '$3 == "E" && $6 ~ /[^ ]/ { found = 1 } END { exit !found }' /var/lib/dokuwiki/data/meta/protocol.changes
