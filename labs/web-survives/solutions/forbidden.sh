umask 077
mkdir -p /tmp/notices
echo '<h1>Notices of the emergency department</h1>' > /tmp/notices/index.html
cp -r /tmp/notices /srv/www/prueba/
chmod 755 /srv/www/prueba/notices
chmod 644 /srv/www/prueba/notices/index.html
