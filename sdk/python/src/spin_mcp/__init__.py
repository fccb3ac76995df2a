"""The library behind `fastmcp`, `mcp` and `pydantic` in a component. Import those."""
