for copy in /srv/copies/*.mbz; do
    tar -xzOf "$copy" moodle_backup.xml 2>/dev/null | grep -q '<original_course_shortname>HIGIENE<' && exit 0
done
exit 1
