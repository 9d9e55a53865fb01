grep -qE '[0-9]+% +/' /home/vivero/machine.txt /root/machine.txt 2>/dev/null
