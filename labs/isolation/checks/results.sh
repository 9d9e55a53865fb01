grep -qi 'result' /home/vivero/results.txt /root/results.txt 2>/dev/null
