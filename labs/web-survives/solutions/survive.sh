mkdir -p /etc/systemd/system/apache2.service.d
printf '[Service]\nRestart=always\nRestartSec=2\n' > /etc/systemd/system/apache2.service.d/survive.conf
systemctl daemon-reload
systemctl start apache2
kill "$(cat /run/apache2/apache2.pid)"
for second in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    sleep 1
    [ "$(systemctl show --property=NRestarts --value apache2)" -ge 1 ] && curl -s -o /dev/null http://localhost/ && exit 0
done
exit 1
