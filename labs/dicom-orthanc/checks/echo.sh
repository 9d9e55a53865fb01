grep -q 'Received Echo Response (Success)' /home/vivero/echo.txt /root/echo.txt 2>/dev/null
