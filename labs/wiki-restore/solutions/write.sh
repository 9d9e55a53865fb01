cat > /tmp/protocol.txt <<'END'
====== If the computers fail ======

===== At once =====

  - Call the IT service.
  - Use the paper forms from the red folder.
  - Write down the time of every entry.

===== Afterwards =====

  * Type in what is on paper.
  * Put new forms into the red folder.
END
chmod 644 /tmp/protocol.txt
runuser -u www-data -- php /usr/share/dokuwiki/bin/dwpage.php -f commit -m 'new' /tmp/protocol.txt protocol
