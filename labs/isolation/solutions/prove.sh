exec su vivero -c 'cd && wget -q -O proof.txt http://legacy:8080/'
