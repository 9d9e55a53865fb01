test -s /home/vivero/notes/today.txt || test -s /root/notes/today.txt
