timeout 5 wget -q -O - http://legacy:8080/ 2>/dev/null | grep -q '<h1>' || exit 1
! echo exit | timeout 4 nc -w 2 legacy 2323 >/dev/null 2>&1
