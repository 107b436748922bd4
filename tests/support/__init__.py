"""What tests share: kubectl with waits that explain themselves, and builders of objects."""
