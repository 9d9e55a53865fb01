data=/var/lib/dokuwiki/data
sed 's/Call the IT service/Call the IT service, extension 4711/' $data/pages/protocol.txt > /tmp/protocol.txt
chmod 644 /tmp/protocol.txt
runuser -u www-data -- php /usr/share/dokuwiki/bin/dwpage.php -f commit -m 'the extension of the IT service' /tmp/protocol.txt protocol
