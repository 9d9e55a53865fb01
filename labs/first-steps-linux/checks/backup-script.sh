test -x /home/vivero/backup.sh || test -x /root/backup.sh
