[ "$(grep -cE '^(  )+ *[-*] *[^ ]' /var/lib/dokuwiki/data/pages/protocol.txt)" -ge 3 ]
