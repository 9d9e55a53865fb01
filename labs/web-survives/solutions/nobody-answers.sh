# First the mishap, as in the guide; then its repair. So in all the steps.
systemctl disable --quiet --now apache2
systemctl enable --quiet --now apache2
