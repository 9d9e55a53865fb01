exec su vivero -c '
cd
echoscu -v -aec OTHER localhost 4242 > refused.txt 2>&1
echoscu -v -aec ARCHIVE localhost 4242 > echo.txt 2>&1'
