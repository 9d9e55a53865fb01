apache2ctl configtest >/dev/null 2>&1
