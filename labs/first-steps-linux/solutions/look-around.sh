exec su vivero -c 'cd && { whoami; hostname; df -h /; } > machine.txt'
