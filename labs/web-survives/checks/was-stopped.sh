journalctl --no-pager -o cat -u apache2 | grep -q '^Stopped apache2.service'
