mountpoint -q /srv/data && test -x /usr/local/bin/nightly-copy && test -f /srv/www/prueba/notices/confirm.php
