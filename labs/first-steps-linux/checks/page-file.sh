grep -qi '<h1>' /home/vivero/www/index.html /root/www/index.html 2>/dev/null
