# Nobody may be listening any more: a refusal has come back too, and silence is what a filter leaves.
begun=$(date +%s)
echo | timeout 6 nc -w 5 10.30.0.10 2575 >/dev/null 2>&1
[ $(($(date +%s) - begun)) -lt 4 ]
