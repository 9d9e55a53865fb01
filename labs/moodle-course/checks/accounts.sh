there=$(mariadb -N moodle -e "
    SELECT IFNULL(GROUP_CONCAT(username ORDER BY username SEPARATOR ' '), '') FROM mdl_user
    WHERE deleted = 0 AND suspended = 0 AND confirmed = 1 AND auth = 'manual'
    AND username IN ('enfermeria1', 'enfermeria2', 'celador1', 'docente1')")
echo "$there"
[ "$there" = "celador1 docente1 enfermeria1 enfermeria2" ]
