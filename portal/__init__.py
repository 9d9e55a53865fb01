"""Vivero: self-service provisioning portal and training lab for a hospital's own virtual machines."""
