grep -qw 2323 /home/vivero/open.txt /root/open.txt 2>/dev/null
