for copy in /home/vivero/wiki*.tar.gz /root/wiki*.tar.gz; do
    [ "$(tar -tzf "$copy" 2>/dev/null | grep -c 'attic/protocol[.].*[.]gz$')" -ge 2 ] && exit 0
done
exit 1
