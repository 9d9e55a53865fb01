exec su vivero -c '
cd && cat > answers.txt <<END
type: ADT^A01
id: MSG00001
patient: SYNTH-0001
ward: PLANTA3
END'
