exec su vivero -c '
cd && findscu -S -aec ARCHIVE -k QueryRetrieveLevel=STUDY -k "PatientName=PRUEBA*" -k PatientID -k StudyDate -k StudyInstanceUID localhost 4242 > found.txt 2>&1'
