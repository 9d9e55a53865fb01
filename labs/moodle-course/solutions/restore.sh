# First the mishap, as in the guide.
cli=/var/www/moodle/admin/cli
course=$(mariadb -N moodle -e "SELECT id FROM mdl_course WHERE shortname = 'HIGIENE'")
[ -z "$course" ] ||
    runuser -u www-data -- php $cli/delete_course.php --courseid="$course" --non-interactive --disablerecyclebin || exit 1
newest=$(ls -t /srv/copies/*.mbz | head -n 1)
category=$(mariadb -N moodle -e "SELECT MIN(id) FROM mdl_course_categories")
exec runuser -u www-data -- php $cli/restore_backup.php --file="$newest" --categoryid="$category"
