exec su vivero -c '
cd && printf "A:10.30.0.10\nD:*\n" > allow.conf
killall httpd 2>/dev/null
sleep 1
httpd -p 8080 -h "$HOME/app" -c "$HOME/allow.conf"'
