[ "$(systemctl show --property=Restart --value apache2)" = always ]
