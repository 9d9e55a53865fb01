systemctl is-active --quiet apache2 && systemctl is-enabled --quiet apache2
