ls /srv/copies/*.mbz >/dev/null 2>&1 || exit 1
stat -c %A /srv/copies
[ -z "$(find /srv/copies -maxdepth 0 -perm /007)" ]
