found=$(mariadb -N moodle -e "
    SELECT COUNT(*) FROM mdl_course c
    JOIN mdl_assign t ON t.course = c.id AND t.duedate > UNIX_TIMESTAMP()
    JOIN mdl_modules m ON m.name = 'assign'
    JOIN mdl_course_modules cm ON cm.module = m.id AND cm.instance = t.id AND cm.visible = 1 AND cm.deletioninprogress = 0
    JOIN mdl_assign_plugin_config o ON o.assignment = t.id AND o.subtype = 'assignsubmission' AND o.plugin = 'onlinetext'
        AND o.name = 'enabled' AND o.value = '1'
    WHERE c.shortname = 'HIGIENE'")
[ "$found" -ge 1 ]
