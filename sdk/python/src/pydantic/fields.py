from spin_mcp.models import Field as Field
from spin_mcp.models import FieldInfo as FieldInfo
