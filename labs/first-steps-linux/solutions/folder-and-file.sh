exec su vivero -c 'cd && mkdir -p notes && echo "Call the laboratory at 10" > notes/today.txt'
