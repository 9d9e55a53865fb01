install -d -o www-data -g www-data -m 770 /srv/copies
exec runuser -u www-data -- php /var/www/moodle/admin/cli/backup.php --courseshortname=HIGIENE --destination=/srv/copies
