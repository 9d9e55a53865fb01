cat /home/vivero/hl7.log /root/hl7.log 2>/dev/null | grep -qE ' MSG00099 SYNTH-0003 AA$'
