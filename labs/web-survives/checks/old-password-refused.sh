systemctl is-active --quiet mariadb || exit 1
! mariadb --user=prueba --password=Clase-de-web.1 --execute='SELECT 1' prueba >/dev/null 2>&1
