"""The commands of `redcat`, one module each; `app.cli` names them and imports one only when it is called."""
