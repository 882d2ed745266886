"""Programs for the command line: embedded servers, migrations, gateway, poll runner, demo."""
