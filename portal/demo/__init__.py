"""The demo: a whole hospital's Vivero on one machine, brought up and taken down by one command."""
