found=$(mariadb -N moodle -e "
    SELECT COUNT(*) FROM mdl_course WHERE shortname = 'HIGIENE' AND CHAR_LENGTH(TRIM(fullname)) >= 5")
[ "$found" = 1 ]
