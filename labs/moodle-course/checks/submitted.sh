found=$(mariadb -N moodle -e "
    SELECT COUNT(*) FROM mdl_course c
    JOIN mdl_assign t ON t.course = c.id
    JOIN mdl_assign_submission s ON s.assignment = t.id AND s.latest = 1 AND s.status = 'submitted'
    JOIN mdl_user u ON u.id = s.userid AND u.username = 'enfermeria1'
    JOIN mdl_assignsubmission_onlinetext o ON o.submission = s.id AND CHAR_LENGTH(o.onlinetext) >= 10
    WHERE c.shortname = 'HIGIENE'")
[ "$found" -ge 1 ]
