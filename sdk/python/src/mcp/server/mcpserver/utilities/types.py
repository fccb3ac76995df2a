from spin_mcp.content import Audio as Audio
from spin_mcp.content import Image as Image
