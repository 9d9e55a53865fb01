curl -s -m 5 -I http://localhost/notices/ | grep -qi '^cache-control:.*no-store'
