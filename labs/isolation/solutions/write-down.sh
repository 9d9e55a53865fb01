exec su vivero -c '
cd && cat > isolation.txt <<END
port: 8080
from: desk
owner: pharmacy
reason: the old application has no successor yet
until: $(date -d @$(($(date +%s) + 60 * 86400)) +%F)
END'
