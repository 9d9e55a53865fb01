journalctl --no-pager -o cat -u apache2 | grep -q 'Scheduled restart job'
