tab=$(printf '\t')
for home in /home/vivero /root; do
    fields=$(hl7-show "$home/admission.hl7" 2>/dev/null) || continue
    echo "$fields" | grep -qE "^PID-3${tab}SYNTH-0002(\^|$)" && echo "$fields" | grep -qE "^PID-5${tab}PRUEBA\^SEGUNDA(\^|$)" &&
        echo "$fields" | grep -qE "^PV1-3${tab}PLANTA5(\^|$)" && exit 0
done
exit 1
