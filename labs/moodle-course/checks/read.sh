found=$(mariadb -N moodle -e "
    SELECT COUNT(*) FROM mdl_course c
    JOIN mdl_logstore_standard_log l ON l.courseid = c.id AND l.component = 'mod_page' AND l.action = 'viewed'
    JOIN mdl_user u ON u.id = l.userid AND u.username = 'enfermeria1'
    WHERE c.shortname = 'HIGIENE'")
[ "$found" -ge 1 ]
