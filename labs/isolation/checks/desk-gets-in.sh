grep -q '<h1>' /home/vivero/proof.txt /root/proof.txt 2>/dev/null || exit 1
timeout 5 wget -q -O - http://legacy:8080/ 2>/dev/null | grep -q '<h1>'
