exec su vivero -c 'killall nc'
