exec su vivero -c '
cd && dcmdump +P StudyInstanceUID image.dcm > uid.txt &&
dcmodify -nb -m StudyDate=$(date +%Y%m%d) -m AccessionNumber=PRAC-0001 image.dcm'
