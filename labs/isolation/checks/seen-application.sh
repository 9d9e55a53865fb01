grep -qw 8080 /home/vivero/open.txt /root/open.txt 2>/dev/null
