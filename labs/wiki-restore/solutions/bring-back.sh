# First the mishap, as in the guide, then what the wiki's own button “Restaurar” does.
echo 'Call somebody.' > /tmp/protocol.txt
chmod 644 /tmp/protocol.txt
runuser -u www-data -- php /usr/share/dokuwiki/bin/dwpage.php -f commit -m 'tidied up' /tmp/protocol.txt protocol
runuser -u www-data -- php -r '
define("DOKU_INC", "/usr/share/dokuwiki/");
define("NOSESSION", 1);
require DOKU_INC . "inc/init.php";
$changes = file("/var/lib/dokuwiki/data/meta/protocol.changes");
foreach (array_reverse($changes) as $change) { // the newest version that still has the extension
    $REV = (int) $change;
    $text = rawWiki("protocol", $REV);
    if (str_contains($text, "4711")) {
        saveWikiText("protocol", $text, "restored");
        exit(0);
    }
}
exit(1);'
