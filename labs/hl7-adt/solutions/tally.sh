exec su vivero -c '
cd && cut -d " " -f 5 hl7.log | sort | uniq -c > tally.txt
grep -v " AA$" hl7.log > refused.txt'
