exec su vivero -c 'cd && chmod 600 notes/today.txt && chmod 700 notes'
