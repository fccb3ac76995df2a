"""What hosts offer to components. Each module here says what it takes in `wit/world.wit` and in
`spin.toml`; what the app does not import costs nothing."""
