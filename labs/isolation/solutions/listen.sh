exec su vivero -c 'cd && : > results.txt && setsid nc -l -p 2575 < /dev/null > results.txt 2>/dev/null &'
