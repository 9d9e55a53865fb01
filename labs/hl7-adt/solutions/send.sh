exec su vivero -c 'cd && mllp_send --loose -f admission.hl7 -p 2575 localhost > ack.hl7'
