exec su vivero -c '
cd && sed "s/MSG00001/MSG00002/; s/SYNTH-0001/SYNTH-0002/; s/PRUEBA^SINTETICA/PRUEBA^SEGUNDA/; s/PLANTA3/PLANTA5/; s/EPISODIO-0001/EPISODIO-0002/" /srv/hl7/admission.hl7 > admission.hl7'
