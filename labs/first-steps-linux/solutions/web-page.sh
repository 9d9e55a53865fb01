exec su vivero -c '
cd && mkdir -p www && echo "<h1>Ward 3</h1>" > www/index.html
wget -q -O /dev/null http://127.0.0.1:8080/ 2>/dev/null || httpd -p 8080 -h "$HOME/www"'
