found=$(mariadb -N moodle -e "
    SELECT COUNT(DISTINCT u.username) FROM mdl_course c
    JOIN mdl_context x ON x.contextlevel = 50 AND x.instanceid = c.id
    JOIN mdl_role_assignments a ON a.contextid = x.id
    JOIN mdl_role r ON r.id = a.roleid AND r.archetype = 'editingteacher'
    JOIN mdl_user u ON u.id = a.userid AND u.deleted = 0
    JOIN mdl_enrol e ON e.courseid = c.id AND e.status = 0
    JOIN mdl_user_enrolments p ON p.enrolid = e.id AND p.userid = u.id AND p.status = 0
    WHERE c.shortname = 'HIGIENE' AND u.username = 'docente1'")
[ "$found" = 1 ]
