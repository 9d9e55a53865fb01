mkdir -p /srv/data
mountpoint -q /srv/data || mount -t tmpfs -o size=12m tmpfs /srv/data
cat > /srv/www/prueba/notices/confirm.php <<'END'
<?php
$file = '/srv/data/read-' . uniqid() . '.txt';
$saved = file_put_contents($file, date('c'));
http_response_code($saved ? 200 : 500);
echo $saved ? 'saved' : 'NOT saved';
END
cat > /usr/local/bin/nightly-copy <<'END'
#!/bin/sh
tar -cf /srv/data/copy-$(date +%s%N).tar -C / etc
END
chmod 755 /usr/local/bin/nightly-copy
for night in 1 2 3 4 5 6 7 8 9 10; do nightly-copy >/dev/null 2>&1; done
curl -s http://localhost/notices/confirm.php | grep -q '^saved' && exit 1 # it must be full now

rm $(ls -t /srv/data/copy-*.tar | tail -n +3)
cat > /usr/local/bin/nightly-copy <<'END'
#!/bin/sh
ls -t /srv/data/copy-*.tar | tail -n +3 | xargs -r rm
tar -cf /srv/data/copy-$(date +%s%N).tar -C / etc
END
