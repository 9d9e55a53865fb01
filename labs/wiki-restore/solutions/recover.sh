data=/var/lib/dokuwiki/data
rm -f $data/pages/protocol.txt $data/attic/protocol.*
newest=$(ls -t /home/vivero/wiki*.tar.gz | head -n 1)
tar -xzf "$newest" -C $data --wildcards 'pages/protocol.txt' 'attic/protocol.*'
