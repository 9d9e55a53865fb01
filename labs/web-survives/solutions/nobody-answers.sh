# First the mishap, as in the guide (without disable, which takes long on an emulated processor), then its repair.
# So in all the steps.
systemctl stop apache2
systemctl enable --quiet --now apache2
