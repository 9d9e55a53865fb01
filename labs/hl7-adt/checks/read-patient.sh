for home in /home/vivero /root; do
    grep -qE '^patient: *SYNTH-0001(\^.*)? *$' "$home/answers.txt" 2>/dev/null && grep -qE '^ward: *PLANTA3(\^.*)? *$' "$home/answers.txt" && exit 0
done
exit 1
