exec su vivero -c 'cd && storescu -aec ARCHIVE localhost 4242 image.dcm'
