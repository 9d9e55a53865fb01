mariadb --execute="ALTER USER prueba@localhost IDENTIFIED BY 'Otra-clave.2026'"
sed -i 's/^password = .*/password = "Otra-clave.2026"/' /etc/vivero-prueba.ini
