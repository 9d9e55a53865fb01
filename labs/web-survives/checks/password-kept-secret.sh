[ -z "$(find /etc/vivero-prueba.ini -perm /o+rwx)" ]
