"""Identity v3, as python-keystoneclient and keystoneauth call it."""
