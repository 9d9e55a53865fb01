exec su vivero -c '
cd && mkdir -p copy && getscu -S -aec ARCHIVE -od copy -k QueryRetrieveLevel=STUDY -k StudyInstanceUID=$(dcmdump +P StudyInstanceUID image.dcm | tr -cd "[]0-9.\n" | sed "s/.*\[//; s/\].*//") localhost 4242 &&
cp copy/SC.* anonymous.dcm &&
dcmodify -nb -m PatientName=ANONIMO -m PatientID=ANON-0001 -m AccessionNumber= -gst -gse -gin anonymous.dcm'
