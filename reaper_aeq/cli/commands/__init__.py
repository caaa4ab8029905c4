"""What each command does. `cli` declares their options; torch is loaded only inside the functions here."""
