[ -z "$(find /srv/www -perm /o+w ! -type l)" ]
