for home in /home/vivero /root; do
    dcmdump -q +P Rows +P PixelData "$home/image.dcm" 2>/dev/null | grep -q PixelData && exit 0
done
exit 1
