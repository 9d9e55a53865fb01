found=$(mariadb -N moodle -e "
    SELECT COUNT(*) FROM mdl_course WHERE shortname = 'HIGIENE' AND visible = 1
    AND CHAR_LENGTH(REGEXP_REPLACE(summary, '<[^>]*>|&nbsp;', '')) >= 20")
[ "$found" = 1 ]
