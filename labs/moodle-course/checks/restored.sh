found=$(mariadb -N moodle -e "
    SELECT COUNT(*) FROM mdl_course c
    JOIN mdl_logstore_standard_log l ON l.courseid = c.id AND l.target = 'course' AND l.action = 'restored'
    WHERE c.shortname = 'HIGIENE'")
[ "$found" -ge 1 ]
