cat > /etc/apache2/conf-available/notices.conf <<'END'
# No browser may keep the notices.
<Location "/notices">
    Header set Cache-Control "no-store"
</Locaton>
END
a2dismod -q -f headers >/dev/null 2>&1
a2enconf -q notices
systemctl restart apache2 2>/dev/null && exit 1 # it must have failed
sed -i 's/Locaton/Location/' /etc/apache2/conf-available/notices.conf
apache2ctl configtest 2>/dev/null && exit 1 # the second mistake: the module that knows Header
a2enmod -q headers
apache2ctl configtest && systemctl restart apache2
