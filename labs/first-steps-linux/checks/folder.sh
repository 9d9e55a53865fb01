test -d /home/vivero/notes || test -d /root/notes
