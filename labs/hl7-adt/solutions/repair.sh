exec su vivero -c '
cd && cp /srv/hl7/rejected.hl7 repaired.hl7
mllp_send --loose -f repaired.hl7 -p 2575 localhost > answer.hl7
sed -i "s/|9[.]9/|2.5/" repaired.hl7
mllp_send --loose -f repaired.hl7 -p 2575 localhost > answer.hl7
sed -i "s/^PID|1||/PID|1||SYNTH-0003^^^HOSPITAL^MR/" repaired.hl7
mllp_send --loose -f repaired.hl7 -p 2575 localhost > answer.hl7'
