from typing import Annotated

from spin_mcp.models import Field

Textarea = Annotated[str, Field(json_schema_extra={"format": "textarea"})]
