# Whoever works here: the student's account is vivero, a teacher may be root.
grep -q 'Called AE Title Not Recognized' /home/vivero/refused.txt /root/refused.txt 2>/dev/null
