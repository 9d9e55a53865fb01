found=$(mariadb -N moodle -e "
    SELECT COUNT(*) FROM mdl_course c
    JOIN mdl_page p ON p.course = c.id
    JOIN mdl_modules m ON m.name = 'page'
    JOIN mdl_course_modules cm ON cm.module = m.id AND cm.instance = p.id AND cm.visible = 1 AND cm.deletioninprogress = 0
    WHERE c.shortname = 'HIGIENE' AND CHAR_LENGTH(REGEXP_REPLACE(p.content, '<[^>]*>|&nbsp;', '')) >= 40")
[ "$found" -ge 1 ]
