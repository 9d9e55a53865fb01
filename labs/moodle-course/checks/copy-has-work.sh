for copy in /srv/copies/*.mbz; do
    tar -xzOf "$copy" users.xml 2>/dev/null | grep -q '<username>enfermeria1<' || continue
    tar -xzOf "$copy" --wildcards 'activities/assign_*/assign.xml' 2>/dev/null | grep -q '<status>submitted<' && exit 0
done
exit 1
