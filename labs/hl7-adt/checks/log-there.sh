test -f /home/vivero/hl7.log || test -f /root/hl7.log
