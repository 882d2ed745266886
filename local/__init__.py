"""Programs for people: servers without Docker, migrations, gateway, poll runner, demo."""
