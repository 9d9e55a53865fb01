cat /home/vivero/hl7.log /root/hl7.log 2>/dev/null | grep -qE ' MSG00002 SYNTH-0002 AA$'
