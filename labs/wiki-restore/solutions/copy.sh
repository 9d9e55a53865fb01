cd /home/vivero && tar -czf "wiki-$(date +%F).tar.gz" -C /var/lib/dokuwiki/data pages attic meta
