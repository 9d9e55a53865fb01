exec su vivero -c '
cd && synthetic-picture picture.bmp &&
img2dcm -i BMP -k PatientName=PRUEBA^SINTETICA -k PatientID=SYNTH-0001 -k Modality=OT -k StudyDescription=PRACTICA picture.bmp image.dcm'
