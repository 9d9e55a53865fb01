for copy in /home/vivero/wiki*.tar.gz /root/wiki*.tar.gz; do
    tar -xzOf "$copy" --wildcards '*pages/protocol.txt' 2>/dev/null | grep -qw 4711 && exit 0
done
exit 1
